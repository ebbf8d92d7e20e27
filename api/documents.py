"""What is kept of a document, for who may read it."""

from typing import Annotated, Any
from urllib.parse import unquote

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from msgspec import UNSET, Meta, Struct

from api.callers import Caller
from api.given import Given
from api.guarding import needs
from api.problems import documented
from api.replies import Span
from api.requests import MAX_CHUNKS
from rag.errors import DocumentNotFound
from rag.values import Access, Chunk, DocumentRecord

PATH = "/v1/documents/"
CHUNK_ID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


class ChunkBody(Struct, frozen=True):
    """A chunk: `text` stands verbatim at `span`."""

    chunk_id: str
    text: str
    span: Span
    gap: Annotated[str, Meta(description="The white space between it and the next one.")]
    context: Annotated[str, Meta(description="What stands above it in the document.")]
    page: Annotated[int, Meta(description="On which it starts; 0 where there are no pages.")]
    valid_from: str
    valid_to: str
    superseded_by: str


class DocumentBody(Struct, frozen=True):
    """A document, and those of its chunks that were asked for, in its order."""

    document_id: str
    title: str
    source: str
    tenant: str
    metadata: dict[str, Any]
    pages: Annotated[int, Meta(description="How many it has; 0 where it has none.")]
    total: Annotated[int, Meta(description="How many chunks it has.")]
    offset: int
    chunks: list[ChunkBody]


@get(
    PATH + "{document_id:path}",
    operation_id="getDocument",
    tags=["documents"],
    responses=documented(400, 401, 403, 404, 409, 500, 503),
    opt=needs("read"),
)
async def document(
    request: Request[Caller, Any, Any],
    given: NamedDependency[Given],
    collection: FromQuery[str | None] = None,
    tenant: FromQuery[str | None] = None,
    principal: FromQuery[list[str] | None] = None,
    offset: Annotated[int, QueryParameter(ge=0)] = 0,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_CHUNKS)] = 100,
    chunk: Annotated[str | None, QueryParameter(pattern=CHUNK_ID)] = None,
) -> DocumentBody:
    """Return a document with its chunks and where they stand in it.

    With `chunk`, the id of one, they are those around it; `offset` counts where there is none such.
    What may not be read is answered as what does not exist.
    """
    engine = given.engine
    caller = request.user
    access = Access(
        caller.in_tenant(UNSET if tenant is None else tenant),
        caller.reading_as(UNSET if principal is None else tuple(principal)),
    )
    # Ids may hold any character; in a path that was decoded, slashes at the end count for nothing.
    id_ = unquote(request.scope["raw_path"].decode("ascii", "replace").partition(PATH)[2])
    store = (await engine.collection(collection or given.default)).parts.store
    found = await store.records(access.tenant, [id_])
    if not found or not found[0].digest or not access.allows(of_record(found[0])):
        raise DocumentNotFound(f"no document '{id_}' in this collection")
    of_interest = await store.get([chunk], access) if chunk else ()
    if of_interest and of_interest[0].document_id == id_:
        offset = max(0, min(of_interest[0].ordinal - limit // 2, found[0].chunks - limit))
    chunks = await store.around([(id_, offset, offset + limit)], access)
    return _body(found[0], offset, chunks)


def of_record(record: DocumentRecord) -> Chunk:
    """Return what stands for all chunks of a document where it is asked about no one of them."""
    return Chunk(
        "",
        record.document_id,
        "",
        0,
        0,
        record.title,
        source=record.source,
        metadata=record.metadata,
        tenant=record.tenant,
    )


def _body(record: DocumentRecord, offset: int, chunks: tuple[Chunk, ...]) -> DocumentBody:
    return DocumentBody(
        record.document_id,
        record.title,
        record.source,
        record.tenant,
        dict(record.metadata),
        len(record.pages),
        record.chunks,
        offset,
        [
            ChunkBody(
                chunk.id,
                chunk.text,
                Span(chunk.start, chunk.end),
                chunk.gap,
                chunk.context,
                chunk.page,
                chunk.valid_from,
                chunk.valid_to,
                chunk.superseded_by,
            )
            for chunk in chunks
        ],
    )
