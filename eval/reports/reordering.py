"""What a reranker did to the order that it was given, and how alike runs are."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from eval.experiments.record import Row
from eval.measures import rbo
from eval.reports.diagnoses import Overlap, Reordering

REACH = 20
TOP = 10
PERSISTENCE = 0.9  # Webber et al., TOIS 2010: the first ten carry 86 % of the weight
MOST_OVERLAPS = 20_000  # comparisons of two rankings; beyond, queries are left out evenly

Rankings = Callable[[Sequence[str]], Iterable[Sequence[str]]]
"""From queries to the run's documents of each, best first."""


def reordering(system: str, rows: Sequence[Row], rankings: Rankings) -> Reordering | None:
    """Return what became of the documents that the reranker was given; None where it got none."""
    given = [row for row in rows if row.before]
    if not given:
        return None
    moves: Counter[int] = Counter()
    changed = entered = 0
    for row, after in zip(given, rankings([row.query_id for row in given]), strict=True):
        place = {document: i for i, document in enumerate(after)}
        for i, document in enumerate(row.before):
            if document in place:
                moves[max(-REACH, min(REACH, i - place[document]))] += 1
        first = row.before[:TOP]
        changed += tuple(after[:TOP]) != first
        entered += len(set(after[:TOP]) - set(first))
    return Reordering(
        system=system,
        queries=len(given),
        moves=tuple((number, moves[number]) for number in range(-REACH, REACH + 1)),
        reach=REACH,
        changed=round(changed / len(given), 4),
        entered=round(entered / len(given), 4),
        malformed=round(sum(row.malformed for row in given) / len(given), 4),
        missing=round(sum(row.missing for row in given) / len(given), 4),
    )


def overlap(tops: Mapping[str, Sequence[Sequence[str]]], depth: int) -> Overlap | None:
    """Return how alike the first documents of runs are; None for less than two runs."""
    names = list(tops)
    if len(names) < 2:
        return None
    queries = len(tops[names[0]])
    pairs = len(names) * (len(names) - 1) // 2
    step = max(1, -(-queries * pairs // MOST_OVERLAPS))
    kept = range(0, queries, step)
    values = np.eye(len(names))
    for i, a in enumerate(names):
        for j in range(i):
            b = names[j]
            found = [rbo(tops[a][q], tops[b][q], PERSISTENCE) for q in kept]
            values[i, j] = values[j, i] = round(float(np.mean(found)) if found else 0.0, 4)
    return Overlap(PERSISTENCE, depth, len(kept), tuple(map(tuple, values.tolist())))
