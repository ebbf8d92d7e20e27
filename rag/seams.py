"""The Protocols: whatever touches the world hides behind one of these.

Each has a shipped fake and one conformance suite in `tests/seams/`:

Encoder    indexers/encoders/hashed.py   HashedEncoder
Store      indexers/stores/exact.py      ExactStore
LLM        rag/llms/scripted.py          ScriptedLLM
Reranker   rerankers/unchanged.py        Unchanged
Generator  rag/answering/answering.py    Answering (over fakes)
Judge      eval/qrels.py                 QrelsJudge
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from rag.values import (
    Access,
    Candidate,
    Case,
    Choose,
    Chosen,
    Chunk,
    Complete,
    Completed,
    Context,
    DocumentRecord,
    Frozen,
    Judgment,
    Lookup,
    Point,
    Prompt,
    Ranking,
    Score,
    Scored,
    SparseVector,
    Stage,
    Told,
    Trace,
    Validity,
    Vector,
)


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


SCHEMA_VERSION = 2


@dataclass(frozen=True, slots=True)
class CollectionSpec(Frozen):
    """What a collection was built with; kept in the store beside the points.

    `mean_length` is what all BM25 weights in it are made with, 0 where they are of several minds.
    `chunks` and `terms` are the totals, and hold while it is `settled`: no run is at work in it,
    and none was ended before it was done.
    """

    encoder: str
    encoder_fingerprint: str
    dimension: int
    sparse_fingerprint: str
    splitter: str
    mean_length: float = 0.0
    chunks: int = 0
    terms: int = 0
    settled: bool = True
    schema_version: int = SCHEMA_VERSION


Stretch: TypeAlias = tuple[str, int, int]
"""A document's id, and the half-open range of the ordinals of its chunks."""


@runtime_checkable
class Store(Protocol):
    """Holds the points of one collection and finds them.

    `find` applies access, every condition and the instant on every branch. Rankings are best first,
    ties by chunk id. Writes are durable when the call returns.

    Raises (every method): StoreUnavailable when the engine refuses or does not answer.
    """

    async def put(self, points: Sequence[Point]) -> None:
        """Insert the points, or replace those of the same chunk id."""
        ...

    async def record(self, records: Sequence[DocumentRecord]) -> None:
        """Keep these records, each in place of the one of the same document."""
        ...

    async def drop(self, tenant: str, document_ids: Sequence[str]) -> None:
        """Delete the tenant's documents: their chunks and their records."""
        ...

    async def remove(self, chunk_ids: Sequence[str]) -> None:
        """Delete chunks."""
        ...

    async def revise(self, record: DocumentRecord) -> None:
        """Give every chunk of the record's document its source and its metadata."""
        ...

    async def mark(self, marks: Mapping[str, Validity]) -> None:
        """Replace the validity of existing chunks, by chunk id; others are passed over."""
        ...

    async def reweigh(self, vectors: Mapping[str, SparseVector]) -> None:
        """Replace the sparse vectors of existing chunks, by chunk id."""
        ...

    async def find(self, lookup: Lookup) -> Mapping[str, Ranking]:
        """Return one ranking per probe, by the probe's name, at most `depth` long."""
        ...

    async def get(self, chunk_ids: Sequence[str], access: Access | None) -> tuple[Chunk, ...]:
        """Return the chunks that exist and `access` allows (None: any), in the order asked."""
        ...

    async def around(self, wanted: Sequence[Stretch], access: Access) -> tuple[Chunk, ...]:
        """Return the chunks in these stretches that `access` allows, each once.

        They come by document id, ordinal and chunk id. While a document is being replaced, two
        chunks may have the same ordinal.
        """
        ...

    async def records(self, tenant: str, document_ids: Sequence[str]) -> tuple[DocumentRecord, ...]:
        """Return the records that exist, in the order asked."""
        ...

    def survey(self, *, unfinished: bool = False) -> AsyncIterator[Sequence[DocumentRecord]]:
        """Yield every record of every tenant once, in pages, or those that are not whole."""
        ...

    def scan(self, record: DocumentRecord | None = None) -> AsyncIterator[Sequence[Point]]:
        """Yield every point of every tenant once, in pages, or those of one document."""
        ...

    async def count(self) -> int:
        """Return the number of chunks, of all tenants."""
        ...

    async def info(self) -> CollectionSpec:
        """Return what the collection was built with."""
        ...

    async def stamp(self, spec: CollectionSpec) -> None:
        """Record what the collection is built with."""
        ...

    async def optimize(self) -> None:
        """Build the search indexes of what was put; searching without is right but slower."""
        ...

    async def close(self) -> None:
        """Release files and connections; the store is not used afterwards."""
        ...


@dataclass(frozen=True, slots=True)
class LLMSpec(Frozen):
    """Which model answers; `family` guards against judging one's own kind.

    `template` is the hash of the chat template, "" where a server keeps it to itself. `why` says
    how the precision was chosen, or what the server was found able to do. Replies of two models may
    stand for each other only when `fingerprint` is equal and not empty. `continues` says whether a
    turn of the assistant can be begun for it, such as a forced "[", `constrains` whether it can be
    held to given texts (`Complete.among`), `mixes` whether it can mix prompts (`Complete.beside`).
    """

    name: str
    family: str
    context_window: int
    template: str = ""
    precision: str = ""
    why: str = ""
    fingerprint: str = ""
    continues: bool = True
    constrains: bool = False
    mixes: bool = False


@runtime_checkable
class LLM(Protocol):
    """A language model, asked in batches; replies come in the order of the requests.

    Text in prompts is never read as a control token. A caller that is cancelled frees its work.

    Raises (every method):
        BadPrompt: a prompt is longer than the context window, labels are not single tokens, or the
            model does not do what is asked of it (`spec`).
        LLMUnavailable: the model's server fails, beyond what retrying mends.
        DeadlineExceeded: the time of `rag.deadline.within` is over.
    """

    @property
    def spec(self) -> LLMSpec:
        """What this model is."""
        ...

    async def choose(self, requests: Sequence[Choose]) -> tuple[Chosen, ...]:
        """Return each label's log-probability as the very next token."""
        ...

    async def score(self, requests: Sequence[Score]) -> tuple[Scored, ...]:
        """Return each continuation's summed log-probability and token count."""
        ...

    async def complete(self, requests: Sequence[Complete]) -> tuple[Completed, ...]:
        """Return one completion per request."""
        ...

    def stream(self, request: Complete) -> AsyncGenerator[str | Completed, None]:
        """Yield a text piece by piece, then the `Completed` itself, last and exactly once.

        Leaving the loop stops the decoding.
        """
        ...

    def count_tokens(self, prompt: Prompt) -> int:
        """Return the prompt's length in this model's tokens, template included."""
        ...

    async def close(self) -> None:
        """Release threads, memory and connections; the model is not asked afterwards."""
        ...


@dataclass(frozen=True, slots=True)
class Reranked(Frozen):
    """The same candidates in a new order, and what the reranker did.

    Scores fall with the rank. `stage` is the whole; `steps` are its parts with their times.
    `missing` counts labels that the model did not report, `malformed` replies that could not be
    read as they were meant. `findings` are figures of the method, such as the rate of inconsistent
    pairs.
    """

    candidates: tuple[Candidate, ...]
    stage: Stage
    missing: int = 0
    malformed: int = 0
    findings: Mapping[str, float] = field(default_factory=dict)
    steps: Trace = ()

    @property
    def status(self) -> Literal["ok", "degraded"]:
        """Whether the order is what the method makes of all candidates."""
        return "ok" if self.stage.status in {"ok", "skipped"} else "degraded"


@runtime_checkable
class Reranker(Protocol):
    """Puts candidates in a better order; never drops or adds one, and never fails.

    What cannot be ranked, for want of time or because a model fails, keeps the order it came in;
    the stage says so.
    """

    async def rerank(self, query: str, candidates: Sequence[Candidate]) -> Reranked:
        """Return a permutation of the candidates."""
        ...


@runtime_checkable
class Generator(Protocol):
    """Writes a cited answer from a context, and from nothing else."""

    def answer(self, context: Context) -> AsyncGenerator[Told, None]:
        """Yield the answer's text, its sentences and late fixes, then the `Answer`, last and once.

        All text together, after the fixes, is the answer's (`rag.citing.events.mended`). Leaving
        the loop stops the writing.
        """
        ...


@runtime_checkable
class Judge(Protocol):
    """Grades the relevance of documents to queries."""

    async def judge(self, cases: Sequence[Case]) -> tuple[Judgment, ...]:
        """Return one judgment per case, in order; grade None where there is no valid one."""
        ...
