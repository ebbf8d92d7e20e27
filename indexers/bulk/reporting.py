"""What a run tells: how far it is, what became of every file, and what it did in all."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from rag.values import Document, Fault, Frozen, Notice

T = TypeVar("T")
KEPT = 1_000  # chosen: so many faults and notices, of a file and of a run, are kept word for word

Fate: TypeAlias = Literal["new", "changed", "revised", "unchanged", "skipped", "waiting"]
"""What becomes of a document.

revised: only its metadata, its source, or what it is a near-duplicate of is another. skipped: it is
a near-duplicate, and left out. waiting: that is decided once everything is read.
"""

OnDocument: TypeAlias = Callable[[Document, Fate, int], None]
"""Is told of every document what becomes of it, and how many chunks it has."""


@dataclass(frozen=True, slots=True)
class Progress(Frozen):
    """How far a run is; `total` is 0 while it is unknown."""

    stage: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class FileReport(Frozen):
    """What became of a file: its documents by fate, and their pages and chunks.

    Documents that had to wait (near-duplicates) have a report of their own, after all others. Of
    many faults and notices the first `KEPT` are here, and how many there are further.
    """

    file: str
    new: int = 0
    changed: int = 0
    revised: int = 0
    unchanged: int = 0
    skipped: int = 0
    pages: int = 0
    chunks: int = 0
    faults: tuple[Fault, ...] = ()
    notices: tuple[Notice, ...] = ()
    further_faults: int = 0
    further_notices: int = 0

    @property
    def status(self) -> Literal["indexed", "unchanged", "skipped", "partial", "failed"]:
        """Whether all of it is in the index: what was there before, a part, or nothing."""
        written = self.new + self.changed + self.revised
        if self.faults:
            return "partial" if written + self.unchanged + self.skipped else "failed"
        if written:
            return "indexed"
        return "skipped" if self.skipped and not self.unchanged else "unchanged"


@dataclass(frozen=True, slots=True)
class IndexReport(Frozen):
    """What a run did, or, dry, what it would do.

    `documents` and `chunks` were given and are in the store; `encoded` chunks were read by the
    encoder, the others' vectors were there. `removed` stale chunks are gone, `pruned` documents
    that are no more, and `deleted` ones, which were named. `finished` documents were left half done
    by a run before. `linked` documents are near-duplicates of others, and so are `skipped` ones,
    which are not in the store. Of many faults and notices the first `KEPT` are here, and how many
    there are further.
    """

    documents: int = 0
    chunks: int = 0
    new: int = 0
    changed: int = 0
    revised: int = 0
    unchanged: int = 0
    linked: int = 0
    skipped: int = 0
    encoded: int = 0
    removed: int = 0
    pruned: int = 0
    deleted: int = 0
    finished: int = 0
    reweighed: int = 0
    superseded: int = 0
    faults: tuple[Fault, ...] = ()
    notices: tuple[Notice, ...] = ()
    further_faults: int = 0
    further_notices: int = 0
    seconds: float = 0.0

    @property
    def fault_count(self) -> int:
        """How many inputs were skipped."""
        return len(self.faults) + self.further_faults

    @property
    def notice_count(self) -> int:
        """How many notices there are."""
        return len(self.notices) + self.further_notices


class First(Generic[T]):
    """The first of many, and how many further ones: memory is bounded whatever the input."""

    def __init__(self) -> None:
        self.kept: list[T] = []
        self.further = 0

    def add(self, item: T) -> None:
        """Keep it if it is one of the first, else count it."""
        if len(self.kept) < KEPT:
            self.kept.append(item)
        else:
            self.further += 1


class Remarks:
    """The faults and notices of a file, or of a run."""

    def __init__(self) -> None:
        self.faults: First[Fault] = First()
        self.notices: First[Notice] = First()

    def told(self) -> dict[str, Any]:
        """Return them as the fields of a report."""
        return {
            "faults": tuple(self.faults.kept),
            "notices": tuple(self.notices.kept),
            "further_faults": self.faults.further,
            "further_notices": self.notices.further,
        }


@dataclass(slots=True)
class Tally:
    """Counts what a run does, and hands on the report of every file once the next one begins."""

    on_file: Callable[[FileReport], None]
    on_document: OnDocument = lambda *_: None
    counts: Counter[str] = field(default_factory=Counter)
    remarks: Remarks = field(default_factory=Remarks)  # of the run
    faulty: set[str] = field(default_factory=set)
    _file: str = ""
    _here: Counter[str] = field(default_factory=Counter)
    _remarks: Remarks = field(default_factory=Remarks)  # of the file

    def document(self, document: Document, fate: Fate, chunks: int) -> None:
        """Count a document that is or will be in the store, or is skipped."""
        self._turn(file_of(document.source))
        held = fate != "skipped"
        counted = {fate: 1, "documents": int(held), "chunks": chunks}
        self.counts.update(counted)
        self._here.update(counted, pages=len(document.pages) if held else 0)
        self.on_document(document, fate, chunks)

    @property
    def read(self) -> int:
        """How many documents were read."""
        return self.counts["documents"] + self.counts["skipped"]

    def fault(self, fault: Fault) -> None:
        """Count an input that was skipped."""
        self._turn(fault.source)
        for remarks in (self.remarks, self._remarks):
            remarks.faults.add(fault)
        self.faulty.add(fault.source)

    def notice(self, notice: Notice) -> None:
        """Keep what is worth knowing about a file."""
        self._turn(file_of(notice.source))
        for remarks in (self.remarks, self._remarks):
            remarks.notices.add(notice)

    def close(self) -> None:
        """Hand on the report of the last file."""
        self._turn("")

    def report(self, seconds: float) -> IndexReport:
        """Return what was counted."""
        counts: dict[str, Any] = {name: n for name, n in self.counts.items() if n}
        return IndexReport(**counts, **self.remarks.told(), seconds=seconds)

    def _turn(self, file: str) -> None:
        if file == self._file:
            return
        if self._file:
            here: dict[str, Any] = {
                name: n for name, n in self._here.items() if name != "documents"
            }
            self.on_file(FileReport(self._file, **here, **self._remarks.told()))
        self._file, self._here, self._remarks = file, Counter(), Remarks()


def file_of(source: str) -> str:
    """Return the file of a document's source, which is FILE or FILE:LINE.

    >>> file_of("/a/c.jsonl:12"), file_of("/a.zip!/b.md"), file_of("/odd:name")
    ('/a/c.jsonl', '/a.zip!/b.md', '/odd:name')
    """
    file, _, line = source.rpartition(":")
    return file if line.isascii() and line.isdecimal() else source


def fault_at(source: str, reason: str) -> Fault:
    """Return the fault at a document's source."""
    source = source.encode(errors="backslashreplace").decode()
    file = file_of(source)
    return Fault(file, int(source[len(file) + 1 :] or 0), reason)
