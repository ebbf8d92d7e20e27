"""Documents go out: one by its id, or all that conditions hold for."""

from typing import Annotated, Any
from urllib.parse import unquote

from litestar import Request, delete
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import FromQuery, QueryParameter
from msgspec import UNSET, Struct

from api.callers import Caller
from api.documents import PATH, of_record
from api.given import Given
from api.guarding import needs
from api.problems import documented
from api.requests import conditions
from indexers.stores.exact import holds
from rag.errors import BadFilter, DocumentNotFound
from rag.seams import Store
from rag.values import Where

_REFUSALS = documented(400, 401, 403, 404, 409, 500, 503)


class Deleted(Struct, frozen=True):
    """How many documents went, or would go."""

    deleted: int


@delete(
    PATH + "{document_id:path}",
    operation_id="deleteDocument",
    status_code=200,
    tags=["documents"],
    responses=_REFUSALS,
    opt=needs("write"),
)
async def delete_document(
    request: Request[Caller, Any, Any],
    given: NamedDependency[Given],
    collection: FromQuery[str | None] = None,
    tenant: FromQuery[str | None] = None,
) -> Deleted:
    """Delete a document: it is found no more once the reply is there."""
    engine = given.engine
    whose = request.user.in_tenant(UNSET if tenant is None else tenant)
    id_ = unquote(request.scope["raw_path"].decode("ascii", "replace").partition(PATH)[2])
    gone = await engine.delete(collection or given.default, whose, [id_])
    if not gone:
        raise DocumentNotFound(f"no document '{id_}' in this collection")
    return Deleted(gone)


@delete(
    "/v1/documents",
    operation_id="deleteDocuments",
    status_code=200,
    tags=["documents"],
    responses=_REFUSALS,
    opt=needs("write"),
)
async def delete_documents(
    request: Request[Caller, Any, Any],
    given: NamedDependency[Given],
    filter: Annotated[  # noqa: A002 - as it is called everywhere
        str,
        QueryParameter(
            description="Conditions that must all hold, as JSON.",
            examples=[Example(value='{"metadata.year": {"lt": 2020}}')],
        ),
    ],
    collection: FromQuery[str | None] = None,
    tenant: FromQuery[str | None] = None,
    dry_run: FromQuery[bool] = False,
) -> Deleted:
    """Delete the documents that all conditions hold for, or count them."""
    engine = given.engine
    whose = request.user.in_tenant(UNSET if tenant is None else tenant)
    where = conditions(filter)
    if not where:
        raise BadFilter("a filter without conditions would delete every document: name some")
    name = collection or given.default
    store = (await engine.collection(name)).parts.store
    ids = await _found(store, whose, where)
    if dry_run:
        return Deleted(len(ids))
    return Deleted(await engine.delete(name, whose, ids) if ids else 0)


async def _found(store: Store, tenant: str, where: Where) -> list[str]:
    return [
        record.document_id
        async for page in store.survey()
        for record in page
        if record.tenant == tenant and record.digest and holds(of_record(record), where)
    ]
