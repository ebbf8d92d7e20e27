"""Running an experiment: every system over every query, stage by stage, what is done kept."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from eval.data.runs import Ranked, ScoredDocument, best_documents, read_run
from eval.experiments.definition import Definition, SystemTable, settings_of
from eval.experiments.kept import Made, Place, Shelf, named, shelf
from eval.experiments.opening import Build, Indexed, Opened, OpenLLM, Ready
from eval.experiments.reading import Corpus, Tested, read_corpus, read_tested
from eval.experiments.record import Lineage, Row, StageCost
from eval.experiments.step import Step, in_order
from eval.experiments.steps import steps
from eval.provenance import commit
from rag.errors import BadCollection, RagError, StoreLocked
from rag.settings import Settings
from rag.showing import Show, silent
from rag.values import Frozen, Query

WARM = "What is told about here?"  # asked before the clock starts; nothing of it is kept
WARM_CANDIDATES = 2  # of which a reranker that is warmed up reads


@dataclass(frozen=True, slots=True)
class SystemRun(Frozen):
    """What a system made of a collection's queries; a foreign run has no rows.

    `stages` says when and at which commit each of its stages was done, by name. `notes` are worth
    knowing.
    """

    system: SystemTable
    ranked: Ranked
    rows: tuple[Row, ...] = ()
    lineage: tuple[Lineage, ...] = ()
    indexed: Indexed | None = None
    stages: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CollectionRun(Frozen):
    """What all systems made of a collection."""

    tested: Tested
    corpus: Corpus
    systems: tuple[SystemRun, ...]


class Runner:
    """Does the stages that are not done yet.

    Args:
        work: the folder where stages are kept.
        show: is told how far they are.
    """

    def __init__(self, work: Path, show: Show) -> None:
        self._work, self._show = work, show
        self._warmed: dict[str, Made] = {}
        self._commit = commit()

    async def done(
        self, last: Step, query: Query, texts: Sequence[str], where: str
    ) -> tuple[list[tuple[Step, dict[str, Made]]], dict[str, Mapping[str, object]]]:
        """Return what every stage made of every text, the last one last, and when."""
        found: dict[str, dict[str, Made]] = {}
        when: dict[str, Mapping[str, object]] = {}
        every = list(in_order(last))
        for step in every:
            inputs = [found[one.key] for one in step.inputs]
            about = {"step": step.name, "parameters": step.parameters, "commit": self._commit}
            about["time"] = datetime.now(UTC).isoformat(timespec="seconds")
            with shelf(self._work / "stages", step.key, about) as kept:
                found[step.key] = await self._done(step, query, texts, inputs, kept, where)
                when[step.name] = {key: kept.about.get(key, "") for key in ("commit", "time")}
        return [(step, found[step.key]) for step in every], when

    async def _done(
        self,
        step: Step,
        query: Query,
        texts: Sequence[str],
        inputs: Sequence[Mapping[str, Made]],
        kept: Shelf,
        where: str,
    ) -> dict[str, Made]:
        found: dict[str, Made] = {}
        wanted = list(dict.fromkeys(texts))
        if any(named(text) not in kept.made for text in wanted):
            await self._warm(step, query)
        for number, text in enumerate(wanted, start=1):
            name = named(text)
            if name in kept.made:
                found[text] = kept.made[name]
                continue
            found[text] = made = await _made(step, replace(query, text=text), inputs)
            if made.whole:
                kept.add(made)
            self._show(f"{where}: {step.name}", number, len(wanted))
            await asyncio.sleep(0)  # let Ctrl-C through
        return found

    async def _warm(self, step: Step, query: Query) -> Made:
        """Do a stage once before its time is taken: files, models and caches are then open."""
        if step.key not in self._warmed:
            inputs = [await self._warm(one, query) for one in step.inputs]
            try:
                made = await step.make(replace(query, text=WARM), inputs)
            except RagError:  # it is told when a query fails
                made = Made()
            few = msgspec.structs.replace(made, order=made.order[:WARM_CANDIDATES])
            self._warmed[step.key] = few
        return self._warmed[step.key]


async def _made(step: Step, query: Query, inputs: Sequence[Mapping[str, Made]]) -> Made:
    before = [of[query.text] for of in inputs]
    name = named(query.text)
    if error := next((made.error for made in before if made.error), ""):
        return Made(name, error=error)
    try:
        return msgspec.structs.replace(await step.make(query, before), asked=name)
    except RagError as error:
        return Made(name, error=f"{type(error).__name__}: {error}")


async def run_experiment(
    definition: Definition,
    settings: Settings,
    work: Path,
    build: Build,
    open_llm: OpenLLM,
    show: Show = silent,
) -> tuple[CollectionRun, ...]:
    """Return what every system made of every query of every collection.

    Args:
        definition: the experiment; its paths are absolute.
        settings: what is in effect; the definition's come over them.
        work: the folder of what is kept between runs: stores and stages.
        build: makes an engine of settings.
        open_llm: opens the language model of settings.
        show: is told how far it is.

    Raises:
        BadCollection: a collection or a run cannot be read.
        BadSettings, ModelUnavailable, LLMUnavailable, StoreUnavailable: a system cannot be opened.
        StoreLocked: another run is at work in the folder.
    """
    tested = [read_tested(table) for table in definition.collections]
    wanted = [(one, settings_of(settings, definition, one)) for one in definition.systems]
    foreign = {
        (one.name, system.name): read_foreign(system, one)
        for one in tested
        for system in definition.systems
        if system.run and _takes(system, one)
    }
    found = []
    with alone(work):
        opened = Opened(work, build, open_llm, show)
        runner = Runner(work, show)
        try:
            for one in tested:
                corpus = read_corpus(one, settings.index)
                runs = []
                for system, of in wanted:
                    if not _takes(system, one):
                        continue
                    if system.run:
                        runs.append(foreign[one.name, system.name])
                        continue
                    ready = await opened.ready(system, of, one, corpus, definition.depth)
                    runs.append(await run_system(system, ready, one, runner, definition.depth))
                found.append(CollectionRun(one, corpus, tuple(runs)))
        finally:
            await opened.close()
    return tuple(found)


def read_foreign(system: SystemTable, tested: Tested) -> SystemRun:
    """Return a run that somebody else made, of the queries that are asked.

    Raises:
        BadCollection: it cannot be read, answers none of the queries, or finds no document that
            anybody judged: its ids are others.
    """
    file = Path(system.run.replace("{collection}", tested.name))
    read = read_run(file)
    ranked = {query_id: read[query_id] for query_id in tested.queries if query_id in read}
    if not ranked:
        raise BadCollection(
            f"{file} answers no query of '{tested.name}': its ids are such as "
            f"'{next(iter(read))}', the collection's such as '{next(iter(tested.queries))}': name "
            "the run of this collection"
        )
    _check_documents(file, tested, ranked)
    notes = []
    if unknown := len(set(read) - set(tested.queries)):
        notes.append(f"{tested.name}, {system.name}: {unknown:,} queries of the run are not asked")
    if missing := len(tested.queries) - len(ranked):
        notes.append(f"{tested.name}, {system.name}: {missing:,} queries are missing and count 0")
    return SystemRun(system, ranked, notes=tuple(notes))


def _check_documents(file: Path, tested: Tested, ranked: Ranked) -> None:
    for query_id, documents in ranked.items():
        if any(one.document_id in tested.qrels[query_id] for one in documents):
            return
    found = next((of[0].document_id for of in ranked.values() if of), "")
    judged = next((id_ for grades in tested.qrels.values() for id_ in grades), "")
    raise BadCollection(
        f"{file} finds no document that is judged for '{tested.name}': its ids are such as "
        f"'{found}', the qrels' such as '{judged}': name the run of this collection"
    )


async def run_system(
    system: SystemTable, ready: Ready, tested: Tested, runner: Runner, depth: int
) -> SystemRun:
    """Return what a system makes of a collection's queries; what is done is not done again."""
    texts = list(tested.queries.values())
    where = f"{tested.name}, {system.name}"
    last = steps(ready.query, ready.parts, ready.facts)
    done, when = await runner.done(last, ready.query, texts, where)
    shuffled: list[Mapping[str, Made]] = []
    for number in range(1, system.shuffles + 1):
        last = steps(ready.query, ready.parts, ready.facts, shuffle=number)
        again, _ = await runner.done(last, ready.query, texts, where)
        shuffled.append(again[-1][1])
    of = done[-1][1]
    return SystemRun(
        system,
        {query_id: _documents(of[text].order, depth) for query_id, text in tested.queries.items()},
        tuple(
            _row(query_id, text, done, shuffled, depth) for query_id, text in tested.queries.items()
        ),
        ready.lineage,
        ready.indexed,
        when,
    )


def _documents(order: Sequence[Place], depth: int) -> tuple[ScoredDocument, ...]:
    return best_documents(((document_id, score) for _, document_id, score in order), depth)


def _row(
    query_id: str,
    text: str,
    done: Sequence[tuple[Step, Mapping[str, Made]]],
    shuffled: Sequence[Mapping[str, Made]],
    depth: int,
) -> Row:
    """Return how a query was answered: what all stages of a system took."""
    made = [of[text] for _, of in done]
    costs: tuple[StageCost, ...] = tuple(cost for one in made for cost in one.costs)
    return Row(
        query_id,
        costs,
        next((one.before for one in made if one.before), ()),
        sum(one.missing for one in made),
        sum(one.malformed for one in made),
        made[-1].error,
        tuple(
            tuple(one.document_id for one in _documents(of[text].order, depth))
            for of in shuffled
            if not of[text].error
        ),
    )


def _takes(system: SystemTable, tested: Tested) -> bool:
    return not system.collections or tested.name in system.collections


@contextmanager
def alone(work: Path) -> Iterator[None]:
    """Let nobody else work in the folder meanwhile.

    Raises:
        StoreLocked: somebody does.
    """
    work.mkdir(parents=True, exist_ok=True)
    (work / ".gitignore").write_text("*\n", encoding="utf-8")
    try:
        held = FileLock(work / "lock").acquire(timeout=0)
    except Timeout:
        raise StoreLocked(f"{work} is in use by another run: wait for its end") from None
    with held:
        yield
