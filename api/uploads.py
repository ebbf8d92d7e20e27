"""Documents come in: as rows, as lines, as files. Each upload is a job before anything is read."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote

import msgspec
from litestar import Request, Response, post, put
from litestar.di import NamedDependency
from litestar.exceptions import ClientException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.openapi import ResponseSpec
from litestar.params import FromQuery, HeaderParameter
from litestar.plugins.problem_details import ProblemDetailsException
from litestar.response import Stream
from msgspec import UNSET, Struct

from api.body import UNSUPPORTED_MEDIA_TYPE
from api.callers import Caller
from api.given import Given, Uploads
from api.guarding import needs
from api.jobs.job import Job, Kind
from api.jobs.runner import Runner, told
from api.jobs.shelf import INPUT, new_id, now
from api.problems import HEADERS, documented
from api.streaming import in_time
from indexers.reading.formats import format_of
from indexers.reading.opening import known
from indexers.stores.catalogue import checked_name
from rag.errors import AnotherRequest, BadInput, DeadlineExceeded, JobNotFound, Unavailable
from rag.wiring import Engine

FILES = "/v1/files/"
LINES = {"application/x-ndjson", "application/jsonl", "application/jsonlines"}
LONGEST = 255  # characters of an idempotency key
_PIECE = 1 << 20
_REFUSALS = documented(400, 401, 403, 404, 409, 413, 415, 429, 500, 503)
_LINED = ResponseSpec(
    str,
    generate_examples=False,
    description="JSON Lines: what became of every document, then the job. It tells whether all of "
    "them are in the index.",
    media_type="application/x-ndjson",
)
_LATER = ResponseSpec(Job, generate_examples=False, description="The job, which has begun.")
_UPLOAD: dict[str, Any] = {
    "request_max_body_size": None,  # `_spooled` counts: the limit is a setting
    "status_code": 200,
    "tags": ["documents"],
    "opt": needs("write", waiting=True),
    "responses": {**_REFUSALS, 200: _LINED, 202: _LATER},
}


class _Rows(Struct):
    documents: list[msgspec.Raw]


@post("/v1/documents", operation_id="putDocuments", **_UPLOAD)
async def put_documents(
    request: Request[Caller, Any, Any],
    given: NamedDependency[Given],
    collection: FromQuery[str | None] = None,
    tenant: FromQuery[str | None] = None,
    wait: FromQuery[bool] = True,
    idempotency_key: Annotated[str, HeaderParameter(name="Idempotency-Key")] = "",
) -> Response[Any]:
    """Put documents into a collection, which is made where there is none.

    Send JSON Lines (`application/x-ndjson`), a document in each: `{"id", "text", "title", "source",
    "metadata", "markup", "language"}`, or a JSON list of them. One replaces what has the same id.
    What became of each comes back line by line; without `wait`, the job that does it.
    """
    engine, uploads = given.engine, given.uploads
    declared, _ = request.content_type
    if declared not in LINES and declared != "application/json":
        raise ClientException(
            status_code=UNSUPPORTED_MEDIA_TYPE,
            detail=f"the body is '{declared}': send lines of JSON as application/x-ndjson, or a "
            "list as application/json",
        )
    whole = declared == "application/json"
    job = await _received(
        request,
        uploads,
        "documents",
        "",
        (collection, tenant),
        idempotency_key,
        as_lines=whole,
    )
    return await _reply(job, engine, uploads, wait=wait)


@put(FILES + "{name:path}", operation_id="putFile", **_UPLOAD)
async def put_file(
    request: Request[Caller, Any, Any],
    given: NamedDependency[Given],
    collection: FromQuery[str | None] = None,
    tenant: FromQuery[str | None] = None,
    wait: FromQuery[bool] = True,
    idempotency_key: Annotated[str, HeaderParameter(name="Idempotency-Key")] = "",
) -> Response[Any]:
    """Put a file of any format into a collection: what `firstcite index` reads, under its name.

    The name is the id of its document; those of an archive or a table have it as their beginning.
    """
    engine, uploads = given.engine, given.uploads
    name = unquote(request.scope["raw_path"].decode("ascii", "replace").partition(FILES)[2])
    if not format_of(name):
        raise BadInput(f"the format of '{name[-100:]}' is unknown: known are {known()}")
    job = await _received(request, uploads, "file", name, (collection, tenant), idempotency_key)
    return await _reply(job, engine, uploads, wait=wait)


async def _received(
    request: Request[Caller, Any, Any],
    uploads: Uploads,
    kind: Kind,
    name: str,
    into: tuple[str | None, str | None],
    key: str,
    *,
    as_lines: bool = False,
) -> Job:
    """Return the job of a request: the one that it had before, where it is sent again."""
    collection, tenant = into
    caller = request.user
    whose = caller.in_tenant(UNSET if tenant is None else tenant)
    named = checked_name(collection or uploads.collection)
    if len(key) > LONGEST:
        raise BadInput(f"an idempotency key has at most {LONGEST} characters")
    job = Job(new_id(), kind, named, whose, "queued", now(), name=name)
    try:
        with uploads.runner.room(), uploads.shelf.coming() as folder:
            digest = await _spooled(request, folder / INPUT, uploads, as_lines=as_lines)
            if key:
                scope = "\0".join([caller.id, kind, named, whose, name, key])  # noqa: FLY002
                first = await uploads.shelf.named(scope, digest, job.job_id)
                if first != (job.job_id, digest):
                    return await _again(uploads, *first, digest)
            await uploads.shelf.keep(folder, job)
    except OSError as error:
        raise Unavailable(
            f"the upload cannot be kept in {uploads.shelf.folder}: {error.strerror}"
        ) from error
    return job


async def _again(uploads: Uploads, job_id: str, before: str, digest: str) -> Job:
    if before != digest:
        raise AnotherRequest("this idempotency key was sent with another body: take a new one")
    try:
        return await uploads.runner.get(job_id)
    except JobNotFound:
        raise AnotherRequest("the same request is being received: try again when it is") from None


async def _spooled(
    request: Request[Caller, Any, Any], file: Path, uploads: Uploads, *, as_lines: bool
) -> str:
    """Write the body into a file; return its digest."""
    digest = hashlib.sha256()
    held, size = bytearray(), 0
    if (request.content_length or 0) > uploads.most:
        raise _too_large(uploads)
    with file.open("wb") as out:
        async for piece in request.stream():
            digest.update(piece)
            held += piece
            size += len(piece)
            if size > uploads.most:
                raise _too_large(uploads)
            if as_lines and len(held) > uploads.most_json:
                raise RequestEntityTooLarge(
                    f"a list of documents has at most {uploads.most_json:,} bytes "
                    "(server.max_body_bytes): send lines as application/x-ndjson",
                )
            if not as_lines and len(held) >= _PIECE:
                await asyncio.to_thread(out.write, held)
                held = bytearray()
        out.write(_as_lines(held) if as_lines else held)
        if not out.tell():
            raise ClientException("the body is empty: send documents")
    return digest.hexdigest()


def _too_large(uploads: Uploads) -> RequestEntityTooLarge:
    return RequestEntityTooLarge(
        f"an upload has at most {uploads.most:,} bytes (server.max_upload_bytes)"
    )


def _as_lines(body: bytearray) -> bytes:
    try:
        rows = msgspec.json.decode(body, type=list[msgspec.Raw] | _Rows)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ClientException(
            f'the body is no list of documents, and no {{"documents": […]}}: {error}'
        ) from error
    listed = rows.documents if isinstance(rows, _Rows) else rows
    return b"\n".join(bytes(row).replace(b"\n", b" ").replace(b"\r", b" ") for row in listed)


async def _reply(job: Job, engine: Engine, uploads: Uploads, *, wait: bool) -> Response[Any]:
    uploads.runner.begin(job, engine)
    if not wait:
        return Response(
            await uploads.runner.get(job.job_id),
            status_code=202,
            headers={"Location": f"/v1/jobs/{job.job_id}"},
        )
    lines = in_time(uploads.runner.lines(job.job_id))
    first = await anext(lines, None)
    if first is None:
        ended = await uploads.runner.get(job.job_id)
        if ended.error:
            raise ProblemDetailsException(
                status_code=ended.error.status,
                type_=ended.error.type,
                title=ended.error.title,
                detail=ended.error.detail,
                headers=dict(HEADERS.get(ended.error.status, {})) or None,
            )
    return Stream(
        _lined(first or b"", lines, uploads.runner, job.job_id), media_type="application/x-ndjson"
    )


async def _lined(
    first: bytes, lines: AsyncIterator[bytes], runner: Runner, job_id: str
) -> AsyncGenerator[bytes, None]:
    """Yield what became of every document, then the job."""
    yield first
    with suppress(DeadlineExceeded):  # the job goes on
        async for piece in lines:
            yield piece
    yield told(await runner.get(job_id))
