"""Document ─split→ Chunk ─encode→ Point."""

from dataclasses import dataclass, field
from typing import Literal

from rag.values.frozen import Frozen, Metadata, Vector

DEFAULT_TENANT = "default"
PRINCIPALS = "principals"
"""The key of a document's metadata that names who may read it."""


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
class Access(Frozen):
    """Who reads: the documents of a tenant, and of these the ones that the principals may read.

    A document says in `metadata["principals"]`, a name or a list of names, who may read it; one
    that says nothing is open to its whole tenant. With names, what is open or names one of them may
    be read, with an empty tuple what is open, and with None, a trusted caller, everything.
    """

    tenant: str = DEFAULT_TENANT
    principals: tuple[str, ...] | None = None

    def allows(self, chunk: Chunk) -> bool:
        """Whether a chunk may be read.

        >>> chunk = Chunk("c", "d", "text", 0, 4, metadata={"principals": ["ada", "bob"]})
        >>> Access().allows(chunk), Access(principals=("bob",)).allows(chunk)
        (True, True)
        >>> Access(principals=()).allows(chunk), Access("other").allows(chunk)
        (False, False)
        """
        if chunk.tenant != self.tenant:
            return False
        named = chunk.metadata.get(PRINCIPALS)
        if self.principals is None or named is None or named == []:
            return True
        names = named if isinstance(named, list) else [named]
        return any(name in names for name in self.principals)


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
