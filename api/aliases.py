"""Further names of collections, switched under the programs that ask for them."""

from typing import Annotated, Any

from litestar import Request, delete, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from api.body import require_json
from api.callers import Caller
from api.given import Given
from api.guarding import needs
from api.problems import documented
from rag.wiring.naming import alias, unalias

_REFUSALS = documented(400, 401, 403, 404, 409, 500, 503)


class Target(Struct, frozen=True, forbid_unknown_fields=True):
    """What a further name is to stand for."""

    collection: Annotated[str, Meta(examples=["handbook-2026"])]


class Aliased(Struct, frozen=True):
    """A name, and the physical collection that it stands for now."""

    name: str
    physical: Annotated[str, Meta(examples=["handbook-2026@1"])]


@put(
    "/v1/aliases/{name:str}",
    operation_id="putAlias",
    before_request=require_json,
    opt=needs("admin"),
    tags=["collections"],
    responses={**_REFUSALS, **documented(413, 415)},
)
async def put_alias(
    name: FromPath[str],
    data: JSONBody[Target],
    request: Request[Caller, Any, Any],
    given: NamedDependency[Given],
) -> Aliased:
    """Let a name stand for what another collection's name stands for now, at once."""
    engine = given.engine
    request.user.over_all_tenants()
    physical = await alias(engine.collections.catalogue(), name, data.collection)
    engine.collections.look_again(name)
    return Aliased(name, physical)


@delete(
    "/v1/aliases/{name:str}",
    operation_id="dropAlias",
    status_code=204,
    opt=needs("admin"),
    tags=["collections"],
    responses=_REFUSALS,
)
async def drop_alias(
    name: FromPath[str], request: Request[Caller, Any, Any], given: NamedDependency[Given]
) -> None:
    """Take a name away from a collection that has others."""
    engine = given.engine
    request.user.over_all_tenants()
    await unalias(engine.collections.catalogue(), name)
    engine.collections.look_again(name)
