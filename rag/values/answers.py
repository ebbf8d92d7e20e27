"""Results ─pack→ Context ─generate→ Answer."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

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


Support: TypeAlias = Literal["full", "partial", "none", "unknown"]
"""How far evidence carries a sentence; "unknown" where nobody looked."""


@dataclass(frozen=True, slots=True)
class Citation(Frozen):
    """Evidence: `quote` is `document.text[start:end]` of the cited document, verbatim.

    `score` is that of `method`, which says who found that the quote carries the sentence:
    "verbatim" where the sentence is the quote. `superseded` is from when on another document says
    otherwise, "" where none is known to. `page` is that on which the quote starts, 0 without pages.
    """

    ref: int
    chunk_id: str
    document_id: str
    quote: str
    start: int
    end: int
    score: float
    support: Support = "full"
    method: str = "verbatim"
    superseded: str = ""
    page: int = 0


@dataclass(frozen=True, slots=True)
class Sentence(Frozen):
    """A sentence of an answer: `answer.text[start:end] == text`.

    `support` is that of all its citations together; `faults` say what of it they do not hold, such
    as "number 36".
    """

    text: str
    start: int
    end: int
    citations: tuple[Citation, ...]
    support: Support = "full"
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contradiction(Frozen):
    """Two citations that cannot both be true, and what they differ in, such as "number"."""

    kind: str
    one: Citation
    other: Citation


@dataclass(frozen=True, slots=True)
class Reference(Frozen):
    """A source of an answer under its number: that of its document among the packed ones."""

    ref: int
    document_id: str
    title: str
    source: str


@dataclass(frozen=True, slots=True)
class Answer(Frozen):
    """A cited answer, or an abstention: then `text` is empty and `reason` says why.

    `answerable` is "partial" where some of what was asked or written could not be verified.
    """

    query: Query
    text: str
    sentences: tuple[Sentence, ...] = ()
    references: tuple[Reference, ...] = ()
    reason: str = ""
    trace: Trace = ()
    answerable: Literal["yes", "partial", "no"] = "yes"
    contradictions: tuple[Contradiction, ...] = ()

    @property
    def abstained(self) -> bool:
        """Whether nothing was answered."""
        return not self.sentences


@dataclass(frozen=True, slots=True)
class Cut(Frozen):
    """A sentence that is complete, as a generator says it: its span in all that was said so far.

    `refs` are the numbers of the references that it cites.
    """

    start: int
    end: int
    refs: tuple[int, ...] = ()
    support: Support = "unknown"


Action: TypeAlias = Literal["keep", "drop", "rewrite"]


@dataclass(frozen=True, slots=True)
class Verification(Frozen):
    """A late fix of a sentence, counted from 0: it was kept, dropped, or is `text` now."""

    sentence: int
    support: Support
    action: Action = "keep"
    text: str = ""
    score: float = 0.0


Told: TypeAlias = str | Cut | Verification | Answer
"""What a generator yields: text without markers, complete sentences, late fixes, the answer."""
