"""What the reranking methods are worth: `python -m eval.studies.rerank_quality --out FOLDER`.

Every method reranks the same first stages with the embedded model, zero-shot; its own order and the
guarded one are measured, beside the order of the first stage and what a random order of the same
candidates is worth. Replies are kept in the cache of replies, so a run that was ended goes on where
it stopped. `--model` names another language model, such as one that was trained, and `--task` what
is measured in place of the usual: "scifact first head @10 shuffled".
"""

import asyncio
import math
import random
import statistics
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from eval.data.collection import Qrels, read_collection
from eval.data.runs import ScoredDocument, read_run
from eval.markdown import table
from eval.measures import score
from eval.measuring import measuring
from eval.provenance import provenance
from eval.studies.rerank_tasks import SEED, STAGES, Stage, Task, asked_for, shown
from eval.studies.reranking import read_texts
from rag.seams import LLM
from rag.sections import LLMSettings, RerankSettings
from rag.settings import Settings, quiet
from rag.values import Chunk
from rag.wiring import Rerankers, open_llm
from rerankers.guard import Guard, guarded
from rerankers.ordering import Ordering
from rerankers.reranker import Outcome

Figures: TypeAlias = dict[str, Any]
Run: TypeAlias = Mapping[str, Sequence[ScoredDocument]]

MEASURE = "nDCG@10"
SHUFFLES = 20


class Models:
    """The language model with its cache of replies and without, opened once for all tasks.

    Args:
        model: folder or name; empty is the packaged one.
    """

    def __init__(self, model: str = "") -> None:
        self._model = model
        self._opened: dict[bool, LLM] = {}

    def giving(self, *, cached: bool) -> Callable[[], Awaitable[LLM]]:
        """Return what gives the one or the other."""

        async def give() -> LLM:
            if cached not in self._opened:
                replies = LLMSettings().replies_mb if cached else 0
                settings = LLMSettings(model=self._model, replies_mb=replies)
                self._opened[cached] = await open_llm(Settings(llm=settings))
            return self._opened[cached]

        return give


async def measure(
    stage: Stage, collections: Path, results: Path, done: Mapping[str, Figures], models: Models
) -> dict[str, Figures]:
    """Return figures by task; those that are done already are not measured again."""
    found = dict(done)
    folder = collections / stage.collection
    file = next(p / stage.run for p in (collections, results) if (p / stage.run).is_file())
    collection, run = read_collection(folder, "test"), read_run(file)
    for task in stage.tasks:
        if task.name in found:
            continue
        asked = [q for q in run if q in collection.queries][: task.queries or None]
        seen = {q: shown(q, run[q], task) for q in asked}
        head = {q: seen[q][: task.depth] for q in asked}
        texts = read_texts(folder, head)
        queries = collection.queries
        outcomes = await _outcomes(task, head, queries, texts, models.giving(cached=True))
        one = {asked[0]: head[asked[0]]}
        anew = await _outcomes(task, one, queries, texts, models.giving(cached=False))
        figures = _figures(seen, task, outcomes, collection.qrels)
        found[task.name] = {**figures, **_cost(anew[asked[0]])}
        sys.stdout.write(f"{stage.collection} {task.name}: {found[task.name]}\n")
        sys.stdout.flush()
    return found


async def _outcomes(
    task: Task,
    head: Run,
    queries: Mapping[str, str],
    texts: Mapping[str, Chunk],
    llm: Callable[[], Awaitable[LLM]],
) -> dict[str, Outcome]:
    section = RerankSettings(method=task.method, schedule=task.schedule)
    rerankers = Rerankers(Settings(rerank=section), llm)
    method = rerankers.method()
    try:
        return {
            q: await method.order(
                queries[q], [texts[d.document_id].indexed_text for d in documents], math.inf
            )
            for q, documents in head.items()
        }
    finally:
        await rerankers.close()


def _figures(run: Run, task: Task, outcomes: Mapping[str, Outcome], qrels: Qrels) -> Figures:
    orders: dict[str, dict[str, Sequence[int]]] = {
        "first": {q: range(task.depth) for q in run},
        "alone": {q: outcomes[q].ordering.order for q in run},
        "guarded": {q: _guarded(run[q][: task.depth], outcomes[q].ordering) for q in run},
    }
    return {
        "queries": len(run),
        **{name: round(_ndcg(run, order, qrels), 4) for name, order in orders.items()},
        "random": round(_random(run, task.depth, qrels), 4),
        "missing": sum(outcomes[q].ordering.missing for q in run),
        "malformed": sum(outcomes[q].ordering.malformed for q in run),
        "failed": sum(outcomes[q].error is not None for q in run),
    }


def _cost(outcome: Outcome) -> Figures:
    """Return what the first query costs when it is asked anew."""
    cost = outcome.cost
    return {
        "calls": cost.calls,
        "tokens": cost.tokens_in + cost.tokens_out,
        "depth": cost.depth,
    }


def _guarded(documents: Sequence[ScoredDocument], ordering: Ordering) -> Sequence[int]:
    return guarded([d.score for d in documents], ordering, Guard()).order


def _ndcg(run: Run, orders: Mapping[str, Sequence[int]], qrels: Qrels) -> float:
    ranked = {
        q: [documents[i].document_id for i in orders[q] if i < len(documents)]
        + [d.document_id for d in documents[len(orders[q]) :]]
        for q, documents in run.items()
    }
    return score(ranked, {q: qrels[q] for q in run}).means[MEASURE]


def _random(run: Run, depth: int, qrels: Qrels) -> float:
    """Return what a random order of the candidates is worth, the mean of 20."""
    chance = random.Random(SEED)  # noqa: S311 - not for secrets
    found = []
    for _ in range(SHUFFLES):
        orders = {q: chance.sample(range(n := min(depth, len(run[q]))), n) for q in run}
        found.append(_ndcg(run, orders, qrels))
    return statistics.mean(found)


def to_markdown(report: Figures) -> str:
    """Return the report as Markdown."""
    columns = ["queries", "first", "random", "alone", "guarded", "calls", "tokens", "depth"]
    where = report["provenance"]
    lines = ["# Rerankers with the embedded model", ""]
    for collection, tasks in report["collections"].items():
        rows = [[name, *(str(found[c]) for c in columns)] for name, found in tasks.items()]
        lines += [f"## {collection}", "", *table(["method @candidates", *columns], rows), ""]
    lines.append(
        f"{MEASURE}; calls, tokens and depth are those of the first query. `{where['command']}`, "
        f"commit `{where['commit'] or 'unknown'}`, {where['time']}."
    )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure what is not measured yet and write `quality.json` and `quality.md`."""
    parser = measuring(__doc__)
    parser.add_argument("--results", type=Path, default=Path("eval/results/retrieval"))
    parser.add_argument("--model", default="", help="folder or name of another language model")
    parser.add_argument("--task", action="append", default=[], help="COLLECTION METHOD @DEPTH …")
    options = parser.parse_args()
    stages = asked_for(options.task) if options.task else STAGES
    quiet()
    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / "quality.json"
    models = Models(options.model)
    report = asyncio.run(_report(stages, models, options.collections, options.results, file))
    sys.stdout.write(to_markdown(report))


async def _report(
    stages: Sequence[Stage], models: Models, collections: Path, results: Path, file: Path
) -> Figures:
    """Return the whole report; it is written whenever a collection is done."""
    done = _read(file)
    report: Figures = {"collections": dict(done), "provenance": provenance()}
    for stage in stages:
        known = done.get(stage.collection, {})
        measured = await measure(stage, collections, results, known, models)
        report["collections"][stage.collection] = measured
        _write(file, report)
    return report


def _read(file: Path) -> dict[str, dict[str, Figures]]:
    """Return the figures by collection and task that a report holds; none where there is none."""
    found: dict[str, dict[str, Figures]] = {}
    if file.is_file():
        found = msgspec.json.decode(file.read_bytes())["collections"]
    return found


def _write(file: Path, report: Figures) -> None:
    file.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    file.with_suffix(".md").write_text(to_markdown(report), encoding="utf-8")


if __name__ == "__main__":
    main()
