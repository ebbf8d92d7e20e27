"""Who asks, and what that one may choose: what a page or a program needs before it offers it."""

from typing import Annotated, Any, get_args

from litestar import Request, get
from litestar.di import NamedDependency
from msgspec import Meta, Struct

from api.callers import Caller, Role
from api.given import Given
from api.guarding import needs
from api.problems import documented
from indexers.reading.formats import FORMATS, PACKED
from rag.expand.methods import EXPANSIONS
from rag.presets import PRESETS
from rag.sections import Generators


class Expansion(Struct, frozen=True):
    """A way to add to a query."""

    name: str
    asks: Annotated[bool, Meta(description="Whether it asks the language model.")]


class Choices(Struct, frozen=True):
    """What requests may name, and what stands for what they leave out."""

    collection: Annotated[str, Meta(description="Of requests that name none.")]
    preset: Annotated[str, Meta(description="Of requests that name none.")]
    presets: list[str]
    generator: Annotated[str, Meta(description="Of requests that name none.")]
    generators: list[str]
    expansions: list[Expansion]
    formats: Annotated[list[str], Meta(description="How names of files end that can be read.")]


class AskerBody(Struct, frozen=True):
    """Who asks, as the key says."""

    role: Role
    tenant: Annotated[str, Meta(description="Whose documents; * may name any tenant.")]
    principals: Annotated[
        list[str] | None, Meta(description="As whom it reads; null may name anybody.")
    ]
    writes: Annotated[bool, Meta(description="Whether it may change documents.")]
    choices: Choices


@get(
    "/v1/caller",
    operation_id="getCaller",
    tags=["operations"],
    responses=documented(401, 403, 500),
    opt=needs("read"),
)
async def asker(request: Request[Caller, Any, Any], given: NamedDependency[Given]) -> AskerBody:
    """Say what the key of this request may do, and what may be chosen."""
    caller = request.user
    return AskerBody(
        caller.role,
        caller.tenant,
        None if caller.principals is None else list(caller.principals),
        caller.may("write"),
        Choices(
            given.settings.server.collection,
            given.settings.search.preset,
            list(PRESETS),
            given.settings.answer.generator,
            list(get_args(Generators)),
            [Expansion(name, method.asks) for name, method in EXPANSIONS.items()],
            [*FORMATS, PACKED],
        ),
    )
