"""Collections: which there are, what they are built with, and new ones."""

import asyncio
from typing import Annotated, Any

import numpy as np
from litestar import Request, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType

from api.body import require_json
from api.callers import EVERY_TENANT, Caller
from api.guarding import needs
from api.jobs.job import Job
from api.jobs.shelf import INPUT, new_id, now
from api.problems import documented
from api.uploads import Uploads
from indexers.stores.catalogue import checked_name
from rag.errors import CollectionNotFound, Conflict, RagError, Unavailable
from rag.seams import Store
from rag.values import Access, Lookup, Probe
from rag.wiring import Engine
from rag.wiring.inspecting import drop, of_name
from rag.wiring.naming import alias, missing, unalias

_REFUSALS = documented(400, 401, 403, 404, 409, 500, 503)
_ABOUT: dict[str, Any] = {"tags": ["collections"], "responses": _REFUSALS}


class Name(Struct, frozen=True, forbid_unknown_fields=True):
    """How a collection is to be called."""

    name: Annotated[str, Meta(examples=["handbook"])]


class Target(Struct, frozen=True, forbid_unknown_fields=True):
    """What a further name is to stand for."""

    collection: Annotated[str, Meta(examples=["handbook-2026"])]


class Listed(Struct, frozen=True):
    """A collection that can be searched."""

    name: str


class Collections(Struct, frozen=True):
    """The collections in which something is found by who asks, sorted."""

    collections: list[Listed]


class CollectionBody(Struct, frozen=True):
    """What a collection is built with; `chunks` are told who reaches every tenant."""

    name: str
    encoder: str
    dimension: int
    splitter: str
    settled: Annotated[bool, Meta(description="No run is at work in it, or was ended before.")]
    chunks: int | UnsetType = UNSET


@get("/v1/collections", operation_id="listCollections", opt=needs("read"), **_ABOUT)
async def list_collections(
    request: Request[Caller, Any, Any], engine: NamedDependency[Engine]
) -> Collections:
    """List the collections in which something is found by who asks."""
    names = sorted(await engine.collections.catalogue().names())
    seen = await asyncio.gather(*(_seen(engine, name, request.user) for name in names))
    return Collections([Listed(name) for name, sees in zip(names, seen, strict=True) if sees])


@get("/v1/collections/{name:str}", operation_id="getCollection", opt=needs("read"), **_ABOUT)
async def get_collection(
    name: FromPath[str], request: Request[Caller, Any, Any], engine: NamedDependency[Engine]
) -> CollectionBody:
    """Return what a collection is built with."""
    store = (await engine.collection(name)).parts.store
    everywhere = request.user.tenant == EVERY_TENANT
    if not everywhere and not await _finds(store, engine, request.user):
        raise missing(name)
    spec = await store.info()
    counted = await store.count() if everywhere else UNSET
    return CollectionBody(name, spec.encoder, spec.dimension, spec.splitter, spec.settled, counted)


@post(
    "/v1/collections",
    operation_id="createCollection",
    status_code=201,
    before_request=require_json,
    opt=needs("admin"),
    tags=["collections"],
    responses={**_REFUSALS, **documented(413, 415)},
)
async def create_collection(
    data: JSONBody[Name], request: Request[Caller, Any, Any], engine: NamedDependency[Engine]
) -> CollectionBody:
    """Make an empty collection, as the settings say."""
    request.user.over_all_tenants()
    checked_name(data.name)
    if await engine.collections.get(data.name) is not None:
        raise Conflict(f"there is a collection '{data.name}': take another name, or delete it")
    store = await engine.collections.to_write(data.name)
    spec = await store.info()
    return CollectionBody(data.name, spec.encoder, spec.dimension, spec.splitter, spec.settled, 0)


@delete(
    "/v1/collections/{name:str}",
    operation_id="dropCollection",
    status_code=204,
    opt=needs("admin"),
    **_ABOUT,
)
async def drop_collection(
    name: FromPath[str], request: Request[Caller, Any, Any], engine: NamedDependency[Engine]
) -> None:
    """Delete a collection with everything in it, of every tenant, or its name if it has others."""
    request.user.over_all_tenants()
    checked_name(name)
    async with engine.collections.alone(name) as catalogue:
        await drop(catalogue, name, await of_name(catalogue, name))


@put(
    "/v1/aliases/{name:str}",
    operation_id="putAlias",
    status_code=204,
    before_request=require_json,
    opt=needs("admin"),
    tags=["collections"],
    responses={**_REFUSALS, **documented(413, 415)},
)
async def put_alias(
    name: FromPath[str],
    data: JSONBody[Target],
    request: Request[Caller, Any, Any],
    engine: NamedDependency[Engine],
) -> None:
    """Let a name stand for what another collection's name stands for now, at once."""
    request.user.over_all_tenants()
    await alias(engine.collections.catalogue(), name, data.collection)
    engine.collections.look_again(name)


@delete(
    "/v1/aliases/{name:str}",
    operation_id="dropAlias",
    status_code=204,
    opt=needs("admin"),
    **_ABOUT,
)
async def drop_alias(
    name: FromPath[str], request: Request[Caller, Any, Any], engine: NamedDependency[Engine]
) -> None:
    """Take a name away from a collection that has others."""
    request.user.over_all_tenants()
    await unalias(engine.collections.catalogue(), name)
    engine.collections.look_again(name)


@post(
    "/v1/collections/{name:str}/reindex",
    operation_id="reindex",
    status_code=202,
    opt=needs("admin"),
    tags=["collections"],
    responses={**_REFUSALS, **documented(429)},
)
async def reindex(
    name: FromPath[str],
    request: Request[Caller, Any, Any],
    engine: NamedDependency[Engine],
    uploads: NamedDependency[Uploads],
) -> Response[Job]:
    """Build a collection anew as the settings are now, beside the old one, and switch to it."""
    request.user.over_all_tenants()
    if await engine.collections.catalogue().resolve(checked_name(name)) is None:
        raise CollectionNotFound(f"no collection '{name}'")
    uploads.runner.admit()
    job = Job(new_id(), "reindex", name, EVERY_TENANT, "queued", now())
    try:
        with uploads.shelf.coming() as folder:
            (folder / INPUT).touch()
            await uploads.shelf.keep(folder, job)
    except OSError as error:
        raise Unavailable(f"{uploads.shelf.folder} cannot be written: {error.strerror}") from error
    uploads.runner.begin(job, engine)
    return Response(job, status_code=202, headers={"Location": f"/v1/jobs/{job.job_id}"})


async def _seen(engine: Engine, name: str, caller: Caller) -> bool:
    if caller.tenant == EVERY_TENANT:
        return True
    try:
        store = await engine.collections.get(name)
        return store is not None and await _finds(store, engine, caller)
    except RagError:  # of other settings, or locked: nothing is found in it
        return False


async def _finds(store: Store, engine: Engine, caller: Caller) -> bool:
    """Whether anything at all is found by a caller."""
    dimension = engine.encoder.spec.dimension
    anything = np.full(dimension, dimension**-0.5, np.float32)
    access = Access(caller.in_tenant(UNSET), caller.reading_as(UNSET))
    found = await store.find(Lookup((Probe("dense", anything, 1),), access))
    return bool(found["dense"])
