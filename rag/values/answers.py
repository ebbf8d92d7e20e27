"""Results ─pack→ Context ─generate→ Answer."""

from dataclasses import dataclass

from rag.values.finding import Candidate
from rag.values.frozen import Frozen
from rag.values.queries import Query
from rag.values.stages import Trace


@dataclass(frozen=True, slots=True)
class Passage(Frozen):
    """A candidate under the number by which an answer may cite it (from 1)."""

    ref: int
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class Context(Frozen):
    """What a generator may read and cite; nothing else is legal to cite."""

    query: Query
    passages: tuple[Passage, ...]
    trace: Trace = ()


@dataclass(frozen=True, slots=True)
class Citation(Frozen):
    """Evidence: `quote` is `document.text[start:end]` of the cited document, verbatim."""

    ref: int
    chunk_id: str
    document_id: str
    quote: str
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Sentence(Frozen):
    """A sentence of an answer: `answer.text[start:end] == text`."""

    text: str
    start: int
    end: int
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Reference(Frozen):
    """A source of an answer under its number."""

    ref: int
    document_id: str
    title: str
    source: str


@dataclass(frozen=True, slots=True)
class Answer(Frozen):
    """A cited answer, or an abstention: then `text` is empty and `reason` says why."""

    query: Query
    text: str
    sentences: tuple[Sentence, ...] = ()
    references: tuple[Reference, ...] = ()
    reason: str = ""
    trace: Trace = ()

    @property
    def abstained(self) -> bool:
        """Whether nothing was answered."""
        return not self.sentences
