"""Collections: which there are, what they are built with, and new ones."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Annotated, Any

import numpy as np
from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import UNSET, Meta, Struct, UnsetType, convert

from api.body import require_json
from api.callers import EVERY_TENANT, Caller
from api.given import Given
from api.guarding import needs
from api.jobs.job import Job
from api.jobs.shelf import INPUT, new_id, now
from api.problems import documented
from api.requests import conditions
from indexers.stores.catalogue import checked_name
from rag.errors import CollectionNotFound, Conflict, RagError, Unavailable
from rag.seams import Store
from rag.values import Access, Lookup, Probe
from rag.wiring import Engine
from rag.wiring.inspecting import counted, described, drop, listed, of_name
from rag.wiring.naming import missing

_REFUSALS = documented(400, 401, 403, 404, 409, 500, 503)
_ABOUT: dict[str, Any] = {"tags": ["collections"], "responses": _REFUSALS}


class Name(Struct, frozen=True, forbid_unknown_fields=True):
    """How a collection is to be called."""

    name: Annotated[str, Meta(examples=["handbook"])]


class Listing(Struct, frozen=True):
    """What there is of a collection; `problem` says why nothing more is known of it."""

    physical: Annotated[str, Meta(examples=["handbook@1"])]
    chunks: int
    documents: int
    encoder: str
    splitter: str
    settled: bool
    problem: str


class Listed(Struct, frozen=True):
    """A collection that can be searched; `details` of one that no name stands for, too."""

    name: str
    details: Listing | UnsetType = UNSET


class Collections(Struct, frozen=True):
    """The collections in which something is found by who asks, sorted."""

    collections: list[Listed]


class Spec(Struct, frozen=True):
    """Everything that a collection was built with."""

    encoder: str
    encoder_fingerprint: str
    dimension: int
    sparse_fingerprint: str
    splitter: str
    mean_length: float
    chunks: int
    terms: int
    settled: bool
    schema_version: int


class Details(Struct, frozen=True):
    """Everything about a collection; `documents` are those of each tenant."""

    name: str
    physical: str
    spec: Spec
    chunks: int
    documents: Mapping[str, int]
    bytes: Annotated[int | None, Meta(description="On disk; null where that is not known.")]


class Counted(Struct, frozen=True):
    """How many chunks there are, and of how many documents."""

    chunks: int
    documents: int


class Dropped(Struct, frozen=True):
    """The physical collections that went, or would go; what the name stands for last."""

    collections: list[str]


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
    request: Request[Caller, Any, Any],
    given: NamedDependency[Given],
    details: FromQuery[bool] = False,
) -> Collections:
    """List the collections in which something is found by who asks; with details, all there are."""
    engine = given.engine
    if details:
        request.user.over_all_tenants()
        await _open(engine, await engine.collections.catalogue().names())
        rows = listed(engine.collections.catalogue(), engine.collections.looking)
        told = [(row.name, convert(row, Listing, from_attributes=True)) async for row in rows]
        return Collections([Listed(name, listing) for name, listing in told])
    names = sorted(await engine.collections.catalogue().names())
    seen = await asyncio.gather(*(_seen(engine, name, request.user) for name in names))
    return Collections([Listed(name) for name, sees in zip(names, seen, strict=True) if sees])


@get("/v1/collections/{name:str}", operation_id="getCollection", opt=needs("read"), **_ABOUT)
async def get_collection(
    name: FromPath[str], request: Request[Caller, Any, Any], given: NamedDependency[Given]
) -> CollectionBody:
    """Return what a collection is built with."""
    engine = given.engine
    store = (await engine.collection(name)).parts.store
    everywhere = request.user.tenant == EVERY_TENANT
    if not everywhere and not await _finds(store, engine, request.user):
        raise missing(name)
    spec = await store.info()
    counted = await store.count() if everywhere else UNSET
    return CollectionBody(name, spec.encoder, spec.dimension, spec.splitter, spec.settled, counted)


@get("/v1/collections/{name:str}/details", operation_id="describe", opt=needs("read"), **_ABOUT)
async def describe(
    name: FromPath[str], request: Request[Caller, Any, Any], given: NamedDependency[Given]
) -> Details:
    """Return everything about a collection, also one that is named outright (handbook@1)."""
    engine = given.engine
    request.user.over_all_tenants()
    await _open(engine, [name])
    of = engine.collections
    return convert(await described(of.catalogue(), of.looking, name), Details, from_attributes=True)


@get("/v1/collections/{name:str}/count", operation_id="count", opt=needs("write"), **_ABOUT)
async def count(
    name: FromPath[str],
    request: Request[Caller, Any, Any],
    given: NamedDependency[Given],
    tenant: FromQuery[str | None] = None,
    filter: Annotated[  # noqa: A002 - as it is called everywhere
        str, QueryParameter(description="Conditions that must all hold, as JSON.")
    ] = "{}",
) -> Counted:
    """Count the chunks that conditions hold for: a tenant's, or everybody's for who reaches all."""
    engine = given.engine
    caller = request.user
    everybody = tenant is None and caller.tenant == EVERY_TENANT
    whose = None if everybody else caller.in_tenant(UNSET if tenant is None else tenant)
    where = conditions(filter)
    store = (await engine.collection(name)).parts.store
    return Counted(*await counted(store, whose, where))


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
    data: JSONBody[Name], request: Request[Caller, Any, Any], given: NamedDependency[Given]
) -> CollectionBody:
    """Make an empty collection, as the settings say."""
    engine = given.engine
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
    status_code=200,
    opt=needs("admin"),
    **_ABOUT,
)
async def drop_collection(
    name: FromPath[str],
    request: Request[Caller, Any, Any],
    given: NamedDependency[Given],
    dry_run: FromQuery[bool] = False,
) -> Dropped:
    """Delete a collection with everything in it, of every tenant; or say what would go.

    A name takes with it what a reindex has left, and leaves what other names stand for; one named
    outright (handbook@1) goes alone.
    """
    engine = given.engine
    request.user.over_all_tenants()
    if dry_run:
        return Dropped(list(await of_name(engine.collections.catalogue(), name)))
    async with engine.collections.alone(name.partition("@")[0]) as catalogue:
        going = await of_name(catalogue, name)
        await drop(catalogue, name, going)
    return Dropped(list(going))


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
    given: NamedDependency[Given],
) -> Response[Job]:
    """Build a collection anew as the settings are now, beside the old one, and switch to it."""
    engine, uploads = given.engine, given.uploads
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


async def _open(engine: Engine, names: Iterable[str]) -> None:
    """Open what can be searched, for good: a short look would keep searches from opening it."""
    for name in names:
        with suppress(RagError):
            await engine.collections.get(name)


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
