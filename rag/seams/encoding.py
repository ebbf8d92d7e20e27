"""What turns texts into vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from rag.values import Frozen, SparseVector, Vector


@dataclass(frozen=True, slots=True)
class EncoderSpec(Frozen):
    """Who encodes: vectors of two encoders may meet only when `fingerprint` is equal.

    `max_tokens` bounds what one text can say, special tokens included.
    """

    name: str
    dimension: int
    fingerprint: str
    max_tokens: int
    precision: str = "fp32"
    why: str = ""


@runtime_checkable
class Encoder(Protocol):
    """Turns texts into dense unit vectors."""

    @property
    def spec(self) -> EncoderSpec:
        """What this encoder is."""
        ...

    async def encode(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vector:
        """Return one unit row per text, shape (n, h), in the order of the texts."""
        ...


@runtime_checkable
class PassageEncoder(Encoder, Protocol):
    """An encoder that gives the parts of a passage vectors of their own, each read with the others.

    Raises: BadSettings where its vectors are no means of its tokens'.
    """

    async def encode_parts(self, passages: Sequence[Sequence[str]]) -> list[Vector]:
        """Return unit rows per passage: of all its parts but the first, which is only read."""
        ...


@dataclass(frozen=True, slots=True)
class SparseSpec(Frozen):
    """How terms are cut and weighted; two collections agree when `fingerprint` is equal."""

    fingerprint: str
    k1: float
    b: float
    language: str


class SparseEncoder(Protocol):
    """Turns texts into weighted terms."""

    @property
    def spec(self) -> SparseSpec:
        """What this encoder is."""
        ...

    def length(self, text: str) -> int:
        """Return the number of terms in the text, repeats counted."""
        ...

    def document(self, text: str, mean_length: float) -> SparseVector:
        """Return the BM25 term-frequency weights of a document (the store adds the IDF)."""
        ...

    def query(self, text: str) -> SparseVector:
        """Return term → weight, by default the term's count in the query."""
        ...
