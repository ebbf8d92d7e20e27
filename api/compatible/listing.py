"""`/v1/models`: what may be named as a model."""

from typing import Annotated, Literal

from litestar import get
from litestar.di import NamedDependency
from msgspec import Meta, Struct

from api.compatible.refusing import HANDLERS, documented
from api.given import Given
from api.guarding import needs
from rag.wiring.reordering import NAMES

ANSWERS = "firstcite"
"""The name under which questions are answered."""

Use = Literal["chat", "embeddings", "rerank"]


class Model(Struct, frozen=True):
    """Something that may be named as a model."""

    id: str
    use: Annotated[Use, Meta(description="Where it may be named.")]
    created: int = 0
    object: str = "model"
    owned_by: str = "firstcite"


class Models(Struct, frozen=True):
    """Everything that may be named as a model."""

    data: list[Model]
    object: str = "list"


@get(
    "/v1/models",
    operation_id="listModels",
    tags=["compatible"],
    exception_handlers=HANDLERS,
    responses=documented(401, 403, 500, 503),
    opt=needs("read"),
)
async def list_models(given: NamedDependency[Given]) -> Models:
    """List what may be named as a model: for answers, for vectors, for reranking."""
    engine = given.engine
    rerankers = [Model(name, "rerank") for name in NAMES]
    encoder = Model(engine.encoder.spec.name, "embeddings")
    return Models([Model(ANSWERS, "chat"), encoder, *rerankers])
