"""Document ─split→ Chunk ─encode→ Point."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from rag.values.frozen import Frozen, Metadata, Vector
from rag.values.validity import Validity

DEFAULT_TENANT = "default"
PRINCIPALS = "principals"
"""The key of a document's metadata that names who may read it."""


Markup: TypeAlias = Literal["plain", "markdown", "code"]
"""How the structure of a text is marked; splitters read it."""


@dataclass(frozen=True, slots=True)
class Document(Frozen):
    """A text with an identity: (tenant, id). Spans of its chunks and citations refer to `text`.

    `language` is the programming language of code, in small letters ("python"), or empty. `pages`
    are the offsets at which pages, slides or sheets begin, in order, the first one 0; it is empty
    where there are none.
    """

    id: str
    text: str
    title: str = ""
    source: str = ""
    metadata: Metadata = field(default_factory=dict)
    tenant: str = DEFAULT_TENANT
    markup: Markup = "plain"
    language: str = ""
    pages: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk(Frozen):
    """A piece of a document: `document.text[start:end] == text`, always.

    `context` (title and heading path) is what the index reads before the text; it is never quoted.
    Chunks of a document do not overlap: they are numbered by `ordinal` from 0 on, and between one
    and the next stands nothing but the white space `gap`. `page` is the page on which it starts,
    from 1 on, 0 where there are none, and `breaks` the offsets in the document, within the chunk,
    at which further pages begin. `family` holds, from the inside out, the half-open ranges of
    ordinals that form a larger piece of the document with this chunk. `read_with` is one, too: of
    what the encoder reads at a time with this chunk, and a digest of that; "" where it reads the
    chunk alone. The last three fields are its `validity`, which a later document may end; the text
    stays, and so does the id.
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
    ordinal: int = 0
    gap: str = ""
    page: int = 0
    breaks: tuple[int, ...] = ()
    family: tuple[tuple[int, int], ...] = ()
    read_with: tuple[int, int, str] = (0, 0, "")
    valid_from: str = ""
    valid_to: str = ""
    superseded_by: str = ""

    def page_at(self, offset: int) -> int:
        """Return the page of an offset in the document that lies in this chunk; 0 without pages.

        >>> Chunk("c", "d", "ab cd", 10, 15, page=3, breaks=(13,)).page_at(13)
        4
        """
        return self.page + bisect_right(self.breaks, offset) if self.page else 0

    @property
    def indexed_text(self) -> str:
        """What encoders read: the context, a line break, the text."""
        return f"{self.context}\n{self.text}" if self.context else self.text

    @property
    def validity(self) -> Validity:
        """When what it says holds, as far as is known."""
        return Validity(self.valid_from, self.valid_to, self.superseded_by)


def breaks_of(chunks: Sequence[Chunk]) -> tuple[int, ...]:
    """Return the `breaks` of what chunks of a document make together, on the first one's page.

    They ascend by their starts, and may overlap. Pages that begin between two chunks do so where
    the second one starts.

    >>> one = Chunk("a", "d", "ab cd", 0, 5, page=1, breaks=(3,))
    >>> breaks_of([one, Chunk("b", "d", "cd ef", 3, 8, page=2, breaks=(6,))])
    (3, 6)
    >>> breaks_of([one, Chunk("c", "d", "gh", 9, 11, page=4)])
    (3, 9, 9)
    """
    found = list(chunks[0].breaks)
    for after in chunks[1:]:
        before = bisect_right(found, after.start)
        shared = len(found) - before
        found += [after.start] * (after.page - chunks[0].page - before)
        found += after.breaks[shared:]
    return tuple(found)


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
class DocumentRecord(Frozen):
    """What a store knows of a document, kept beside its chunks: with them, the document itself.

    `digest` is of everything the chunks are made from, empty while no version of the document is
    whole; `head` is the white space before the first chunk, `terms` the sum of the chunks' lengths.
    A document that is being "written" still has the version of the record, and `adding` are chunks
    of the next one; one that is "cleaned" has the version of the record, and `stale` are chunks of
    the one before.

    `compared` names the version whose chunks were compared with their neighbours; `superseders` are
    chunks that superseded some of this document's, and from when (`indexers.updating`).
    """

    document_id: str
    digest: str = ""
    title: str = ""
    source: str = ""
    metadata: Metadata = field(default_factory=dict)
    tenant: str = DEFAULT_TENANT
    markup: Markup = "plain"
    language: str = ""
    pages: tuple[int, ...] = ()
    head: str = ""
    chunks: int = 0
    terms: int = 0
    state: Literal["whole", "written", "cleaned"] = "whole"
    adding: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    sketch: str = ""
    like: str = ""
    compared: str = ""
    superseders: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notice(Frozen):
    """Something worth knowing about a file that was read all the same."""

    source: str
    reason: str

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Fault(Frozen):
    """A piece of input that was skipped: which file, which line (0: the whole file), and why."""

    source: str
    line: int
    reason: str

    def __str__(self) -> str:
        where = f"{self.source}:{self.line}" if self.line else self.source
        return f"{where}: {self.reason}"
