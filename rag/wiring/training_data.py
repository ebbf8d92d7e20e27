"""Training data, made of a corpus, a search, a language model, or a teacher."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from rag.flows import Budget, Flow, drive
from rag.seams import LLM
from rag.settings import Settings
from rag.showing import Show
from rag.training.data.exclusion import Excluded
from rag.training.data.files import Facts, Manifest, Source, manifest, write
from rag.training.data.judged import Judged, judged
from rag.training.data.preferring import (
    KINDS,
    Reward,
    by_answer,
    by_rank,
    by_reranker,
    drawn,
    preferred,
)
from rag.training.data.shelf import Made, Shelf, build
from rag.training.data.structure import asked
from rag.training.data.synthetic import (
    Imagined,
    Writing,
    described,
    descriptions,
    imagined,
    questions,
    round_trip,
    with_imagined,
)
from rag.training.data.teaching import Told, of_order, taught
from rag.training.values import Group, Passage, Preference
from rag.values import Frozen
from rag.wiring.corpus import Corpus, open_corpus
from rag.wiring.llm import open_llm
from rag.wiring.reranking import Rerankers

T = TypeVar("T")
Line = TypeVar("Line", Group, Preference)
In = TypeVar("In")

_BUDGET = Budget(calls=1_000_000, searches=1_000_000)


@dataclass(frozen=True, slots=True)
class Job(Frozen):
    """What is to be made, of what, and where it is written.

    `options` decide the result, with `paths`; `where` is written into the manifest as it is.
    """

    name: str
    settings: Settings
    paths: tuple[Path, ...]
    out: Path
    show: Show
    options: Facts = field(default_factory=dict)
    excluded: Excluded = Excluded()  # noqa: RUF009 - frozen
    sources: tuple[Source, ...] = ()
    where: Facts = field(default_factory=dict)
    collection: str = ""

    @property
    def work(self) -> Path:
        """The folder of what is under way."""
        return self.out.with_name(f"{self.out.name}.work")

    @property
    def recipe(self) -> str:
        """A digest of all that decides the result."""
        told = {
            "name": self.name,
            "options": self.options,
            "sources": [source.sha256 for source in self.sources],
            "encoder": self.settings.encoder.model,
            "llm": [self.settings.llm.model, self.settings.llm.url],
            "excluded": sorted(self.excluded.names),
        }
        return hashlib.sha256(msgspec.json.encode(told, order="deterministic")).hexdigest()

    def finished(self) -> Manifest | None:
        """Return the manifest of what was made by the same recipe before; None where it was not."""
        known = manifest(self.out)
        return known if known and known.digest == self.recipe else None

    @asynccontextmanager
    async def corpus(self, *, bare: bool = False) -> AsyncIterator[Corpus]:
        """Open the corpus."""
        opened = open_corpus(
            self.settings, self.paths, self.work, self.show, collection=self.collection, bare=bare
        )
        async with opened as corpus:
            yield corpus


async def from_judgments(
    job: Job, queries: Sequence[Judged], negatives: int, skip: int
) -> Manifest:
    """Make groups of judged queries."""
    async with job.corpus() as corpus:
        texts = corpus.texts()

        async def make(query: Judged) -> Made[Group]:
            return await judged(query, texts, corpus.find, negatives, skip)

        return await _finished(job, [(one.id, one) for one in queries], make, Group)


async def from_structure(
    job: Job, ask: Sequence[str], negatives: int, skip: int, limit: int
) -> Manifest:
    """Make groups of headings, of sentences, or of both."""
    async with job.corpus(bare=True) as corpus:
        parts = corpus.sections(headings="headings" in ask, sentences="sentences" in ask)
        every = _some([(id_, (id_, query, passage)) for id_, query, passage in parts], limit)

        async def make(section: tuple[str, str, Passage]) -> Made[Group]:
            return await asked(section, corpus.find, negatives, skip)

        return await _finished(job, every, make, Group)


async def from_questions(
    job: Job, how: Writing, best: int, negatives: int, limit: int, *, imagine: bool
) -> Manifest:
    """Make groups of questions that the language model writes for passages."""
    async with job.corpus() as corpus, _model(job.settings) as llm:

        async def make(passage: Passage) -> Made[Group]:
            written = await _driven(questions(passage.text, how), llm)
            made = await round_trip(passage, written, corpus.find, best, negatives)
            if not imagine:
                return made
            groups: list[Group] = []
            for group in made.values:
                more: Imagined = await _driven(imagined(group.query, how), llm)
                groups += with_imagined(group, more)
            return Made(tuple(groups), made.why)

        every = _some([(one.id, one) for one in corpus.passages()], limit)
        return await _finished(job, every, make, Group)


async def from_descriptions(job: Job, how: Writing, negatives: int, limit: int) -> Manifest:
    """Make groups of abstract descriptions that the language model writes for passages."""
    async with job.corpus() as corpus, _model(job.settings) as llm:

        async def make(passage: Passage) -> Made[Group]:
            fitting, misleading = await _driven(descriptions(passage.text, how), llm)
            found = await corpus.find(passage.text, negatives + 1)
            others = tuple(one for one in found if one.id != passage.id)[:negatives]
            return described(passage, fitting, misleading, others)

        every = _some([(one.id, one) for one in corpus.passages()], limit)
        return await _finished(job, every, make, Group)


async def from_rewrites(
    job: Job, queries: Sequence[Judged], kind: str, rewards: Sequence[str], count: int, seed: int
) -> Manifest:
    """Make preferences between texts that the language model writes for queries."""
    async with job.corpus() as corpus, _model(job.settings) as llm:
        relevant = {q.text: [i for i, grade in q.grades.items() if grade > 0] for q in queries}
        texts = corpus.texts()
        known: dict[str, Reward] = {
            "rank": by_rank(corpus.find, relevant),
            "answer": by_answer(
                {q: " ".join(texts[i] for i in ids if i in texts) for q, ids in relevant.items()}
            ),
            "reranker": by_reranker(corpus.find, _rating(llm)),
        }

        async def make(query: Judged) -> Made[Preference]:
            written = await _driven(drawn(query.text, KINDS[kind], count, seed), llm)
            chosen = [known[name] for name in rewards]
            return await preferred(query.id, query.text, written, KINDS[kind], chosen)

        return await _finished(job, [(one.id, one) for one in queries], make, Preference)


async def from_teacher(job: Job, groups: Sequence[Group], method: str, top: int) -> Manifest:
    """Give the passages of groups a teacher's scores: any reranker, or "first-stage"."""
    async with teacher(job.settings, method) as ask:

        async def make(group: Group) -> Made[Group]:
            return await taught(group, ask, top)

        return await _finished(job, [(one.id, one) for one in groups], make, Group)


@asynccontextmanager
async def teacher(
    settings: Settings, method: str
) -> AsyncIterator[Callable[[str, Sequence[str]], Awaitable[Told]]]:
    """Give a teacher: a reranking method of the settings' model, or the order as it came."""
    if method == "first-stage":

        async def as_found(_query: str, texts: Sequence[str]) -> Told:
            return Told(of_order(range(len(texts))))

        yield as_found
        return
    section = msgspec.structs.replace(settings.rerank, method=method)
    rerankers = Rerankers(msgspec.structs.replace(settings, rerank=section))
    ordering = rerankers.method()

    async def ask(query: str, texts: Sequence[str]) -> Told:
        outcome = await ordering.order(query, texts, float("inf"))
        if outcome.error is not None:
            raise outcome.error
        found = outcome.ordering
        scores = found.scores or of_order(found.order)
        return Told(tuple(scores), outcome.cost.calls)

    try:
        yield ask
    finally:
        await rerankers.close()


def _rating(llm: LLM) -> Callable[[str, Sequence[str]], Awaitable[float]]:
    """Return what says how likely passages make a query: RaFe's reward, from our own reranker."""
    from rerankers.pointwise import query_likelihood
    from rerankers.recipes import PLAIN

    async def rate(query: str, texts: Sequence[str]) -> float:
        ordering = await _driven(query_likelihood(query, texts[:5], PLAIN), llm)
        return sum(ordering.scores) / max(1, len(ordering.scores))

    return rate


async def _driven(flow: Flow[T], llm: LLM) -> T:
    """Return what a flow returns.

    Raises:
        LLMUnavailable: the model failed: what was made before is kept.
    """
    driven = await drive(flow, llm, _BUDGET)
    if driven.error is not None:
        raise driven.error
    return driven.result


@asynccontextmanager
async def _model(settings: Settings) -> AsyncIterator[LLM]:
    llm = await open_llm(settings)
    try:
        yield llm
    finally:
        await llm.close()


async def _finished(
    job: Job,
    items: Sequence[tuple[str, In]],
    make: Callable[[In], Coroutine[Any, Any, Made[Line]]],
    kind: type[Line],
) -> Manifest:
    """Make what is not made yet, leave out what is test data, write the whole, and clear up."""
    shelf = Shelf(job.work, job.recipe, kind)
    lines, counts = await build(items, make, shelf, job.show)
    kept, dropped = _allowed(lines, job.excluded)
    counts |= dropped
    proof = job.excluded.prove(kept)
    recipe = {"builder": job.name, **job.options}
    about = Manifest(job.sources, recipe, counts, job.recipe, excluded=proof, where=job.where)
    about = write(job.out, kept, about)
    shutil.rmtree(job.work, ignore_errors=True)
    return about


def _allowed(lines: Sequence[Line], excluded: Excluded) -> tuple[list[Line], dict[str, int]]:
    kept: list[Line] = []
    dropped: dict[str, int] = {}
    for line in lines:
        one, why = excluded.without(line)
        if one is not None:
            kept.append(one)
        if why:
            dropped[why] = dropped.get(why, 0) + 1
    return kept, dropped


def _some(items: Sequence[tuple[str, T]], limit: int) -> list[tuple[str, T]]:
    """Return so many items, chosen by their ids' hashes and so the same each time; 0 is all."""
    ordered = sorted(items, key=lambda item: hashlib.sha256(item[0].encode()).digest())
    return ordered[:limit] if limit else list(items)


def hold_out(groups: Sequence[Group], share: float) -> tuple[list[Group], list[Group]]:
    """Return the groups that are learnt from, and the share that is only looked at.

    No query is in both. Which, is decided by the hash of the query.
    """

    def place(group: Group) -> float:
        digest = hashlib.sha256(group.query.casefold().encode()).digest()
        return int.from_bytes(digest[:8]) / 2**64

    held = [group for group in groups if place(group) < share]
    return [group for group in groups if place(group) >= share], held
