"""`/v1/embeddings`, as OpenAI has it."""

import asyncio
import base64
from typing import Annotated, Literal

import numpy as np
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta, Struct

from api.body import require_json
from api.compatible.refusing import HANDLERS, documented
from api.given import Given
from api.guarding import needs
from rag.errors import BadInput
from rag.values import Vector

MOST = 2_048  # texts of a request: OpenAI's own limit


class EmbeddingRequest(Struct, frozen=True, kw_only=True):
    """Texts to be read by the server's encoder."""

    input: (
        Annotated[str, Meta(min_length=1)]
        | Annotated[
            tuple[Annotated[str, Meta(min_length=1)], ...], Meta(min_length=1, max_length=MOST)
        ]
    )
    model: str = ""
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = None
    input_type: Annotated[
        Literal["query", "document"] | None,
        Meta(description="For encoders that read queries another way than documents."),
    ] = None
    user: str | None = None


class Embedding(Struct, frozen=True):
    """The unit vector of the text in this place; in base64, its 32-bit floats, little-endian."""

    index: int
    embedding: list[float] | str
    object: str = "embedding"


class Read(Struct, frozen=True):
    """How many tokens were read, the marks around a text left out."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingReply(Struct, frozen=True):
    """The vectors, in the order of the texts."""

    data: list[Embedding]
    model: str
    usage: Read
    object: str = "list"


@post(
    "/v1/embeddings",
    operation_id="embed",
    status_code=200,
    tags=["compatible"],
    before_request=require_json,
    exception_handlers=HANDLERS,
    responses=documented(400, 401, 403, 413, 415, 500, 503),
    opt=needs("read"),
)
async def embed(data: JSONBody[EmbeddingRequest], given: NamedDependency[Given]) -> EmbeddingReply:
    """Return the vectors of texts, by the encoder that collections are built with."""
    engine = given.engine
    spec = engine.encoder.spec
    if data.dimensions not in {None, spec.dimension}:
        raise BadInput(f"dimensions is {data.dimensions}, {spec.name} gives {spec.dimension}")
    texts = (data.input,) if isinstance(data.input, str) else data.input
    rows = await engine.encoder.encode(texts, data.input_type or "document")
    read = await asyncio.to_thread(engine.count_tokens, texts)
    made = [
        Embedding(place, _packed(row) if data.encoding_format == "base64" else row.tolist())
        for place, row in enumerate(rows)
    ]
    return EmbeddingReply(made, spec.name, Read(read, read))


def _packed(row: Vector) -> str:
    return base64.b64encode(np.asarray(row, "<f4").tobytes()).decode()
