"""One run at a time: what is kept of it once it has been read."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eval.data.collection import Qrels
from eval.data.run_table import RunTable, read_run_table
from eval.experiments.record import Price, Record, SystemRecord
from eval.measures import Packed, QrelsTable, evaluate, oracle, pack, parse
from eval.reports.comparing import Values
from eval.reports.costing import costs
from eval.reports.diagnoses import Filled, Reordering, Shuffled
from eval.reports.reordering import reordering
from eval.reports.robustness import shuffled
from eval.reports.schema import Cost
from eval.reports.sources import filled, merged
from rag.values import Frozen

TOP = 20
"""Documents of each ranking that are kept: what is shown, and what overlaps."""


@dataclass(frozen=True, slots=True, eq=False)
class Graded(Frozen):
    """A collection's judgments; `queries` are those with a relevant document, in the qrels' order.

    `table` are the same judgments in columns, `filled` the same with each further source's grade
    where there is none; `fingerprints` are of all sources.
    """

    source: str
    qrels: Qrels
    queries: tuple[str, ...]
    table: QrelsTable
    filled: Mapping[str, QrelsTable]
    fingerprints: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Scored(Frozen):
    """A system's figures: values by measure and its first documents, both by `Graded.queries`."""

    record: SystemRecord
    values: Mapping[str, Values]
    tops: tuple[tuple[str, ...], ...]
    depth: int
    ceiling: float
    oracle: float
    unanswered: int
    failed: int
    malformed: float
    missing: float
    cost: Cost | None
    reordering: Reordering | None
    shuffled: Shuffled | None
    filled: tuple[Filled, ...]


def graded(record: Record, collection: str, sources: Sequence[str]) -> Graded:
    """Return the judgments of a collection; the first source's count."""
    first, *others = sources
    qrels = record.qrels(collection, first)
    further = {source: record.qrels(collection, source) for source in others}
    return Graded(
        source=first,
        qrels=qrels,
        queries=tuple(q for q, of in qrels.items() if max(of.values(), default=0) > 0),
        table=QrelsTable.of(qrels),
        filled={s: QrelsTable.of(merged(qrels, of)) for s, of in further.items()},
        fingerprints={s: fingerprint(of) for s, of in {first: qrels, **further}.items()},
    )


def fingerprint(qrels: Qrels) -> str:
    """Return the SHA-256 of judgments, whatever their order."""
    digest = hashlib.sha256()
    for query in sorted(qrels):
        lines = [f"{query}\t{d}\t{grade}\n" for d, grade in sorted(qrels[query].items())]
        digest.update("".join(lines).encode())
    return digest.hexdigest()


def scored(
    record: Record,
    collection: str,
    system: SystemRecord,
    judged: Graded,
    measures: Sequence[str],
    prices: Mapping[str, Price],
) -> Scored:
    """Return what a system's run and rows say."""
    run = read_run_table(record.run(collection, system.name))
    rows = list(record.rows(collection, system.name))
    packed = pack(run, judged.table)
    depth = max(1, packed.grades.shape[1])
    ceiling = f"R@{depth}"
    values = _values(packed, judged, [*measures, ceiling])
    tops = tuple(rankings(run, judged.queries, TOP))
    return Scored(
        record=system,
        values={name: values[name] for name in measures},
        tops=tops,
        depth=depth,
        ceiling=_mean(values[ceiling]),
        oracle=_mean(_values(oracle(packed), judged, measures[:1])[measures[0]]),
        unanswered=sum(not top for top in tops),
        failed=sum(bool(row.error) for row in rows),
        malformed=_per_row([row.malformed for row in rows]),
        missing=_per_row([row.missing for row in rows]),
        cost=costs(rows, system, prices),
        reordering=reordering(system.name, rows, lambda queries: rankings(run, queries)),
        shuffled=shuffled(
            system.name,
            rows,
            dict(zip(judged.queries, values[measures[0]].tolist(), strict=True)),
            dict(zip(judged.queries, tops, strict=True)),
            judged.table,
            measures[0],
        ),
        filled=filled(system.name, run, packed, judged.filled, measures[0]),
    )


def rankings(
    run: RunTable, queries: Sequence[str], k: int | None = None
) -> Iterator[tuple[str, ...]]:
    """Yield the first k documents of queries, all at once: much faster than one by one."""
    places = np.array([run.places.get(query, -1) for query in queries], dtype=np.int64)
    lengths = np.where(places >= 0, np.diff(run.offsets)[places], 0)
    lengths = lengths if k is None else np.minimum(lengths, k)
    ends = np.cumsum(lengths)
    within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)
    lines = np.repeat(run.offsets[:-1][places], lengths) + within
    documents = run.ids(lines)
    for end, length in zip(ends.tolist(), lengths.tolist(), strict=True):
        yield tuple(documents[end - length : end])


def _values(packed: Packed, judged: Graded, measures: Sequence[str]) -> Mapping[str, Values]:
    place = {query: i for i, query in enumerate(packed.queries)}
    at = np.array([place[query] for query in judged.queries], dtype=np.intp)
    parsed = {name: parse(name) for name in measures}
    found = evaluate(packed, list(parsed.values()))
    return {name: found[measure][at] for name, measure in parsed.items()}


def _mean(values: Values) -> float:
    return round(float(values.mean()), 6) if len(values) else 0.0


def _per_row(counts: Sequence[int]) -> float:
    return round(sum(counts) / len(counts), 4) if counts else 0.0
