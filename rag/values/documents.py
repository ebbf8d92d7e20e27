"""Document ─split→ Chunk ─encode→ Point."""

from dataclasses import dataclass, field
from typing import Literal

from rag.values.frozen import Frozen, Metadata, Vector

DEFAULT_TENANT = "default"


@dataclass(frozen=True, slots=True)
class Document(Frozen):
    """A text with an identity: (tenant, id). Spans of its chunks and citations refer to `text`."""

    id: str
    text: str
    title: str = ""
    source: str = ""
    metadata: Metadata = field(default_factory=dict)
    tenant: str = DEFAULT_TENANT
    markup: Literal["plain", "markdown"] = "plain"


@dataclass(frozen=True, slots=True)
class Chunk(Frozen):
    """A piece of a document: `document.text[start:end] == text`, always.

    `context` (title and heading path) is what the index reads before the text; it is never quoted.
    """

    id: str
    document_id: str
    text: str
    start: int
    end: int
    title: str = ""
    context: str = ""
    source: str = ""
    metadata: Metadata = field(default_factory=dict)
    tenant: str = DEFAULT_TENANT

    @property
    def indexed_text(self) -> str:
        """What encoders read: the context, a line break, the text."""
        return f"{self.context}\n{self.text}" if self.context else self.text


@dataclass(frozen=True, slots=True)
class SparseVector(Frozen):
    """Weights by term id; `indices` ascend, are distinct, and pair with `values`."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Point(Frozen):
    """A chunk with its vectors, ready for a store.

    `length` counts the chunk's BM25 terms: the collection's mean length is computed from it.
    """

    chunk: Chunk
    dense: Vector  # (h,)
    sparse: SparseVector
    length: int


@dataclass(frozen=True, slots=True)
class Fault(Frozen):
    """A piece of input that was skipped: which file, which line (0: the whole file), and why."""

    source: str
    line: int
    reason: str

    def __str__(self) -> str:
        where = f"{self.source}:{self.line}" if self.line else self.source
        return f"{where}: {self.reason}"
