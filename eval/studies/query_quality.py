"""What expansions and searches in several steps are worth: `python -m eval.studies.query_quality`.

Every row is a way to handle the same queries of the same collection, with the language model of the
settings: the embedded one, or the server of `FIRSTCITE__LLM__URL`. Its fused order is measured,
the same order reranked, what is asked of the model, and the time that a query takes longer.

Replies are kept in the cache of replies and every row is written when it is done, so a run that was
ended goes on where it stopped. Times are taken afterwards, one query at a time, without any cache.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from eval.data.collection import Collection, read_collection
from eval.data.runs import best_chunks
from eval.markdown import table
from eval.measures import score
from eval.measuring import measuring
from eval.provenance import provenance
from eval.studies.query_rows import DEPTH, TABLES, Row, Table
from indexers.reading import read_paths
from rag.expand.expand import ExpansionCache
from rag.pipeline import QueryPath
from rag.seams import LLM
from rag.sections import IndexSettings, LLMSettings, RerankSettings, StoreSettings
from rag.settings import Settings, load_settings, quiet
from rag.values import Frozen, Query, Results
from rag.wiring import build, open_llm

Figures: TypeAlias = dict[str, Any]

RERANKED = 20  # candidates that the reranker orders
TOGETHER = 8  # queries in flight while quality is measured, so that the model reads batches
TIMED = 3  # queries whose time is taken


@dataclass(frozen=True, slots=True, eq=False)
class Held(Frozen):
    """A collection that is indexed, its query path, and what makes one that remembers nothing."""

    collection: Collection
    path: QueryPath
    anew: Callable[[], QueryPath]


class Bench:
    """The collections and the models, each opened once.

    Args:
        settings: the encoder, the reranker and the language model.
        collections: where the collections lie.
    """

    def __init__(self, settings: Settings, collections: Path) -> None:
        self._settings = settings
        self._collections = collections
        self._engine = build(settings)
        self._anew: LLM | None = None
        self._held: dict[str, Held] = {}

    async def open(self, name: str) -> Held:
        """Return a collection, indexed as one chunk per document."""
        if name not in self._held:
            folder = self._collections / name
            limits = self._settings.index
            await self._engine.index(read_paths([folder], limits=limits), name)
            path = await self._engine.collection(name)
            anew = partial(_forgetful, path, self._model_without_cache)
            self._held[name] = Held(read_collection(folder, "test"), path, anew)
        return self._held[name]

    async def close(self) -> None:
        """Close the collections and the models."""
        await self._engine.close()
        if self._anew:
            await self._anew.close()

    async def _model_without_cache(self) -> LLM:
        if self._anew is None:
            llm = msgspec.structs.replace(self._settings.llm, replies_mb=0)
            self._anew = await open_llm(msgspec.structs.replace(self._settings, llm=llm))
        return self._anew


def _forgetful(path: QueryPath, llm: Callable[[], Awaitable[LLM]]) -> QueryPath:
    """Return a path with another model and nothing kept."""
    parts = path.parts
    expander = parts.expander and replace(parts.expander, llm=llm, cache=ExpansionCache())
    deepener = parts.deepener and replace(parts.deepener, llm=llm)
    return QueryPath(replace(parts, expander=expander, deepener=deepener))


async def quality(one: Table, row: Row, held: Held) -> Figures:
    """Return the measures of a row, fused and reranked, and what was asked on the mean."""
    queries = dict(list(held.collection.queries.items())[: one.queries or None])
    gate = asyncio.Semaphore(TOGETHER)

    async def ask(text: str) -> tuple[Results, list[str]]:
        async with gate:
            results = await held.path.search(row.query(text))
            ids = [d.document_id for d in best_chunks(results.candidates, DEPTH)]
            return results, await _reranked(text, results, held.path) if one.reranked else ids

    found = dict(zip(queries, await asyncio.gather(*map(ask, queries.values())), strict=True))
    fused = {
        q: [c.chunk.document_id for c in results.candidates] for q, (results, _) in found.items()
    }
    stages = [s for results, _ in found.values() for s in results.trace if _is_extra(s.name)]
    figures: Figures = {
        "queries": len(queries),
        **_measured(fused, held.collection, ("nDCG@10", "R@100")),
        "all@10": _all_found(fused, held.collection),
        "calls": round(sum(s.cost.calls for s in stages) / len(queries), 2),
        "added nothing": sum(s.status != "ok" or s.detail.startswith("nothing") for s in stages),
    }
    if one.reranked:
        reranked = {q: ids for q, (_, ids) in found.items()}
        measured = _measured(reranked, held.collection, ("nDCG@10",))
        figures["reranked nDCG@10"] = measured["nDCG@10"]
    return figures


async def _reranked(text: str, results: Results, path: QueryPath) -> list[str]:
    """Return the ids of the documents, the head of them reranked."""
    reranker = path.parts.reranker
    assert reranker  # noqa: S101 - the settings below name a method
    head = await reranker.rerank(text, results.candidates[:RERANKED])
    order = (*head.candidates, *results.candidates[RERANKED:])
    return [candidate.chunk.document_id for candidate in order]


def _is_extra(stage: str) -> bool:
    return stage.startswith(("expand ", "iterate "))


def _measured(
    run: Mapping[str, Sequence[str]], collection: Collection, names: Sequence[str]
) -> Figures:
    means = score(run, {q: collection.qrels[q] for q in run if q in collection.qrels}).means
    return {name: round(means[name], 4) for name in names}


def _all_found(run: Mapping[str, Sequence[str]], collection: Collection) -> float:
    """Return the share of questions that have all their relevant documents in the first ten."""
    relevant = {q: {d for d, g in collection.qrels.get(q, {}).items() if g > 0} for q in run}
    asked = [q for q in run if relevant[q]]
    return round(sum(relevant[q] <= set(run[q][:10]) for q in asked) / len(asked), 4)


async def costs(row: Row, held: Held) -> Figures:
    """Return by how much a query takes longer than without the row's extras, median, ms."""
    texts = list(held.collection.queries.values())[:TIMED]
    plain = Row(replace(row.system, expand=()))
    warm = held.anew()
    await warm.search(plain.query(texts[0]))
    added = []
    for text in texts:
        path = held.anew()
        base, whole = [await _seconds(path, one.query(text, 10)) for one in (plain, row)]
        added.append((whole - base) * 1_000)
    return {"added_ms": round(statistics.median(added), 1), "timed": len(texts)}


async def _seconds(path: QueryPath, query: Query) -> float:
    started = time.perf_counter()
    await path.search(query)
    return time.perf_counter() - started


async def measure(collections: Path, file: Path) -> Figures:
    """Measure what `file` does not hold yet: first every row's quality, then every row's cost."""
    report = _read(file)
    with tempfile.TemporaryDirectory() as folder:
        settings = msgspec.structs.replace(
            load_settings(),
            store=StoreSettings(path=folder),
            index=IndexSettings(splitter="none"),
            rerank=RerankSettings(method="query-likelihood", depth=RERANKED),
        )
        bench = Bench(settings, collections)
        for what, one, name in _missing(report):
            row, held = one.rows[name], await bench.open(one.collection)
            figures = await (quality(one, row, held) if what == "quality" else costs(row, held))
            found = report["tables"].setdefault(one.name, {})
            found[name] = {**found.get(name, {}), **figures}
            sys.stdout.write(f"{one.name}: {name}: {figures}\n")
            sys.stdout.flush()
            _write(file, report)
        await bench.close()
    return report


def _missing(report: Figures) -> list[tuple[str, Table, str]]:
    """Return what has to be measured: quality or costs, the table, the row."""
    held = report["tables"]
    return [
        (what, one, name)
        for what, sign in (("quality", "queries"), ("costs", "added_ms"))
        for one in TABLES
        for name in one.rows
        if sign not in held.get(one.name, {}).get(name, {})
    ]


COLUMNS = (
    "nDCG@10",
    "R@100",
    "all@10",
    "reranked nDCG@10",
    "added_ms",
    "calls",
    "added nothing",
)


def to_markdown(report: Figures) -> str:
    """Return the report as Markdown."""
    where = report["provenance"]
    lines = [f"# Expansions and steps with {report['model']}", ""]
    for name, found in report["tables"].items():
        shown = [
            [row, *(str(figures.get(c, "")) for c in COLUMNS)] for row, figures in found.items()
        ]
        lines += [f"## {name}", "", *table(["handled as", *COLUMNS], shown), ""]
    lines.append(
        "all@10: share of queries with every relevant document in the first ten; added_ms: median "
        "of the time that a query takes longer, without caches; calls and tokens: of a query, on "
        f"the mean. `{where['command']}`, commit `{where['commit'] or 'unknown'}`, {where['time']}."
    )
    return "\n".join(lines) + "\n"


def _read(file: Path) -> Figures:
    tables: Figures = {}
    if file.is_file():
        tables = msgspec.json.decode(file.read_bytes())["tables"]
    llm: LLMSettings = load_settings().llm
    model = llm.model or "the embedded model"
    return {"model": model, "provenance": provenance(), "tables": tables}


def _write(file: Path, report: Figures) -> None:
    file.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    file.with_suffix(".md").write_text(to_markdown(report), encoding="utf-8")


def main() -> None:
    """Measure what is not measured yet and write `quality.json` and `quality.md`."""
    options = measuring(__doc__).parse_args()
    quiet()
    options.out.mkdir(parents=True, exist_ok=True)
    sys.stdout.write(
        to_markdown(asyncio.run(measure(options.collections, options.out / "quality.json")))
    )


if __name__ == "__main__":
    main()
