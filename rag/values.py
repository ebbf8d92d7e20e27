"""Every value of FirstCite, frozen, in the order in which they flow.

Document ─split→ Chunk ─encode→ Point ─put→ Store
Query ─plan→ Plan ─find→ Found ─fuse→ Fused ─fetch→ Results ─pack→ Context ─generate→ Answer

A later value may refer to an earlier one, never change it. Spans are half-open and count Unicode
code points. Values copy to themselves: Haystack deep-copies the inputs of every component, which
costs 80 ms for 200 candidates with vectors and nothing at all for values that return themselves.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Literal, NamedTuple, Self, TypeAlias

import numpy as np
import numpy.typing as npt

Vector: TypeAlias = npt.NDArray[np.float32]
"""One dense vector, shape (h,), or several, shape (n, h)."""

Scalar: TypeAlias = str | int | float | bool
Json: TypeAlias = "Scalar | list[Json] | dict[str, Json] | None"
Metadata: TypeAlias = Mapping[str, Json]

DEFAULT_TENANT = "default"


_SURROGATE = re.compile("[\ud800-\udfff]")


def is_unicode(text: str) -> bool:
    r"""Whether a text is valid Unicode: no half of a surrogate pair, as wrong decoding leaves.

    >>> is_unicode("é😀"), is_unicode("\udc80")
    (True, False)
    """
    return not _SURROGATE.search(text)


class Frozen:
    """A value that never changes, so that a copy of it is itself."""

    __slots__ = ()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self


# ── Document ─split→ Chunk ─encode→ Point ────────────────────────────────────────────────────────


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


# ── Query ─plan→ Plan ────────────────────────────────────────────────────────────────────────────

Operator = Literal["eq", "in", "gte", "gt", "lte", "lt"]


@dataclass(frozen=True, slots=True)
class Condition(Frozen):
    """One condition on a payload field, e.g. `metadata.year gte 2020`.

    `in` takes a tuple of strings or integers; the range operators take numbers.
    """

    field: str
    operator: Operator
    value: Scalar | tuple[str, ...] | tuple[int, ...]


Where: TypeAlias = tuple[Condition, ...]
"""Conditions that must all hold."""


@dataclass(frozen=True, slots=True)
class Handling(Frozen):
    """How a query is handled beyond the search with its own words.

    Args:
        standalone: whether a question in a conversation is made one that stands for itself.
        expand: names of expansions, which add branches.
        route: who decides whether a question needs no search, one, or several; "" is nobody.
        iterate: how evidence is gathered in several steps; "" is not.
        depth: hits that each branch fetches; 0 is the settings'.
        rerank_depth: candidates that are reranked; None is the settings', 0 is none.
        calls: the most requests to the model for all of this but the reranking.
        seconds: the most time for it.
    """

    standalone: bool = False
    expand: tuple[str, ...] = ()
    route: str = ""
    iterate: str = ""
    depth: int = 0
    rerank_depth: int | None = None
    calls: int = 40
    seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Query(Frozen):
    """What somebody asked: `k` results of `tenant`'s documents that satisfy `where`.

    `branches` and `fusion` override the settings; empty means the default. `history` is what was
    said before, the oldest first. `preset` names a handling, "" the settings'; `handling` is one
    for this query alone. `changes` are fields of either that are otherwise: {"rerank_depth": 20}.
    """

    text: str
    k: int = 10
    where: Where = ()
    tenant: str = DEFAULT_TENANT
    branches: tuple[str, ...] = ()
    fusion: str = ""
    history: "Prompt" = ()
    preset: str = ""
    handling: Handling | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def handled(self) -> Handling:
        """How it is handled: as it says, or by the settings alone."""
        return self.handling or Handling()


Kind: TypeAlias = Literal["bm25", "dense"]


@dataclass(frozen=True, slots=True)
class Part(Frozen):
    """A text that a branch looks with, and its weight beside the other parts.

    `reads` says whether a dense encoder reads it as a query or, such as a passage that was written
    for the query, as a document.
    """

    text: str
    weight: float = 1.0
    reads: Literal["query", "document"] = "query"


Form: TypeAlias = tuple[Part, ...] | SparseVector
"""What a branch looks with: weighted texts, whose vectors are added up, or weighted terms."""


@dataclass(frozen=True, slots=True)
class Branch(Frozen):
    """One way of looking: its name, what it looks for, and how many hits it fetches.

    A name is "bm25" or "dense", where needed with what makes the branch special after a plus:
    "bm25+rm3". `text` is what people are shown; without a `form`, it is what is looked for.
    `weight` is the branch's share beside other special branches of its kind (`rag.fuse.shares`).
    """

    name: str
    text: str
    depth: int
    form: Form = ()
    weight: float = 1.0

    @property
    def kind(self) -> Kind:
        """Which vectors are searched.

        >>> Branch("bm25+rm3", "q", 10).kind, Branch("dense", "q", 10).kind
        ('bm25', 'dense')
        """
        return "bm25" if self.name.partition("+")[0] == "bm25" else "dense"


@dataclass(frozen=True, slots=True)
class Cost(Frozen):
    """What was asked of a model.

    `calls` are requests, `cached` of them answered from the cache; `depth` is how many batches of
    them had to wait for one another. Tokens are those really read and written. `searches` are those
    of the store that were made to ask it.
    """

    calls: int = 0
    depth: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cached: int = 0
    searches: int = 0

    def __str__(self) -> str:
        """Return what is not zero, in words.

        >>> str(Cost(calls=2, depth=1, tokens_in=70)), str(Cost())
        ('2 calls, 70 tokens read', '')
        """
        figures = {
            "calls": self.calls,
            "tokens read": self.tokens_in,
            "tokens written": self.tokens_out,
            "searches": self.searches,
        }
        return ", ".join(f"{figure:,} {name}" for name, figure in figures.items() if figure)

    def __add__(self, other: "Cost") -> "Cost":
        """Return the cost of doing the one and then the other.

        >>> Cost(calls=2, depth=1) + Cost(calls=3, depth=1)
        Cost(calls=5, depth=2, tokens_in=0, tokens_out=0, cached=0, searches=0)
        """
        return Cost(
            self.calls + other.calls,
            self.depth + other.depth,
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            self.cached + other.cached,
            self.searches + other.searches,
        )


@dataclass(frozen=True, slots=True)
class Stage(Frozen):
    """What one stage did, and what its questions to a model cost, as far as they were answered.

    `status` is "ok", "skipped", "cut short" or "failed".
    """

    name: str
    ms: float
    status: Literal["ok", "skipped", "cut short", "failed"] = "ok"
    detail: str = ""
    cost: Cost = field(default=Cost())


Trace: TypeAlias = tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class Plan(Frozen):
    """How a query will be answered: branches by name, then one fusion of their rankings."""

    query: Query
    branches: tuple[Branch, ...]
    fusion: str
    trace: Trace = ()


# ── Plan ─find→ Found ─fuse→ Fused ───────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Probe(Frozen):
    """An encoded branch: the vector a store searches with."""

    name: str
    vector: Vector | SparseVector
    depth: int


@dataclass(frozen=True, slots=True)
class FeedbackProbe(Frozen):
    """A dense vector, and vectors of what was found before with scores of their relevance.

    A point x scores a·cos(vector, x) + Σ c·(sᵢ − sⱼ)ᵇ·(cos(pᵢ, x) − cos(pⱼ, x)) over the pairs of
    `feedback` with scores sᵢ > sⱼ; `weights` are (a, b, c), b at least 0. It is Qdrant's "naive"
    strategy of relevance feedback.
    """

    name: str
    vector: Vector
    depth: int
    feedback: tuple[tuple[Vector, float], ...]
    weights: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Lookup(Frozen):
    """What a store is asked: every probe, each under the same tenant and conditions."""

    probes: tuple[Probe | FeedbackProbe, ...]
    tenant: str = DEFAULT_TENANT
    where: Where = ()


class Hit(NamedTuple):
    """A chunk id with a score of whoever ranked it.

    A tuple, for it is made 400 times per query: a frozen dataclass takes three times as long.
    """

    chunk_id: str
    score: float

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self


Ranking: TypeAlias = tuple[Hit, ...]
"""Hits, best first; ties stand in the order of their chunk ids."""


def ranked(scores: Mapping[str, float]) -> Ranking:
    """Return the scores as a ranking: highest first, ties by chunk id.

    >>> ranked({"b": 1.0, "a": 1.0, "c": 2.0})
    (Hit(chunk_id='c', score=2.0), Hit(chunk_id='a', score=1.0), Hit(chunk_id='b', score=1.0))
    """
    ordered = sorted(scores.items(), key=itemgetter(0))
    ordered.sort(key=itemgetter(1), reverse=True)  # stable: equal scores stay in the order of ids
    return tuple(map(Hit._make, ordered))


@dataclass(frozen=True, slots=True)
class Found(Frozen):
    """One ranking per branch of the plan."""

    plan: Plan
    rankings: Mapping[str, Ranking]
    trace: Trace = ()


@dataclass(frozen=True, slots=True)
class Fused(Frozen):
    """One ranking for the whole query; `rankings` are the branches' it was made from."""

    query: Query
    ranking: Ranking
    rankings: Mapping[str, Ranking]
    trace: Trace = ()


@dataclass(frozen=True, slots=True)
class Candidate(Frozen):
    """A chunk with its score, and its rank (from 1) in every branch that found it.

    After reranking, `ranks` also holds its rank before ("first") and by the reranker alone
    ("rerank"), and `flags` says what was suspicious about its text.
    """

    chunk: Chunk
    score: float
    ranks: Mapping[str, int]
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Results(Frozen):
    """The answer to a search: candidates, best first."""

    query: Query
    candidates: tuple[Candidate, ...]
    trace: Trace = ()


# ── Results ─pack→ Context ─generate→ Answer ─────────────────────────────────────────────────────


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


# ── Judging ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Case(Frozen):
    """A question put to a judge: how relevant is this text to this query?"""

    query_id: str
    query: str
    document_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Judgment(Frozen):
    """A judge's grade for one (query, document); None where it gave no valid one."""

    query_id: str
    document_id: str
    grade: int | None


# ── Asking a language model ──────────────────────────────────────────────────────────────────────


Role: TypeAlias = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message(Frozen):
    """One turn of a prompt."""

    role: Role
    content: str


Prompt: TypeAlias = tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Usage(Frozen):
    """What one request cost.

    `ms` is the wall time of the call that the request was part of, together with `batch` requests
    in all. `passes` counts those of the model while it wrote, 0 where that is not known. A reply
    from the cache says what it had cost, and `cached`.
    """

    tokens_in: int = 0
    tokens_out: int = 0
    ms: float = 0.0
    batch: int = 1
    passes: int = 0
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Choose(Frozen):
    """Ask for the log-probability of each label as the very next token.

    After a message of the assistant, that is the token which continues it: ("[", label "A") asks
    for the A of "[A".
    """

    prompt: Prompt
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chosen(Frozen):
    """Log-probabilities in the order of the labels; None where the backend reported none."""

    logprobs: tuple[float | None, ...]
    usage: Usage = field(default=Usage(), compare=False)

    @property
    def missing(self) -> int:
        """Return how many labels the backend did not report."""
        return self.logprobs.count(None)


@dataclass(frozen=True, slots=True)
class Score(Frozen):
    """Ask for the log-probability of a continuation."""

    prompt: Prompt
    continuation: str


@dataclass(frozen=True, slots=True)
class Scored(Frozen):
    """Summed log-probability of a continuation, and its number of tokens."""

    logprob: float
    tokens: int
    usage: Usage = field(default=Usage(), compare=False)


@dataclass(frozen=True, slots=True)
class Complete(Frozen):
    """Ask for a completion of at most `max_tokens` tokens, greedy at temperature 0.

    Above, `seed` says which of the possible texts: the same seed, the same text, where the backend
    can promise that.
    """

    prompt: Prompt
    max_tokens: int = 256
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Search(Frozen):
    """Ask for the k best chunks for a text, under the tenant and conditions of the query at hand.

    `branches` are names of plain branches; none means the usual ones.
    """

    text: str
    k: int = 10
    branches: tuple[Kind, ...] = ()


@dataclass(frozen=True, slots=True)
class Searched(Frozen):
    """What was found, best first."""

    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Completed(Frozen):
    """A completion and its number of tokens; `cut` where it ended for want of more of them."""

    text: str
    tokens: int
    cut: bool = False
    usage: Usage = field(default=Usage(), compare=False)
