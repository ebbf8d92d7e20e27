"""What a figure owes to who judged: people, a model where they did not, and one's own pool."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from eval.data.collection import Qrels
from eval.data.run_table import RunTable
from eval.measures import Packed, QrelsTable, condensed, evaluate, pack, parse
from eval.reports.comparing import Values
from eval.reports.diagnoses import Filled, Unique

POOL = 10
JUDGED = "Judged@10"
MOST = 5_000  # rankings scored again without labels
MEASURE = "nDCG@10"  # of the pooled depth, whatever decides


def filled(
    system: str, run: RunTable, packed: Packed, judges: Mapping[str, QrelsTable], measure: str
) -> tuple[Filled, ...]:
    """Return a run's mean by people, on its condensed list, and with each judge where they did not.

    `packed` is the run beside people's judgments. All are means over the queries in which people
    found something.
    """
    if not judges:
        return ()
    human = values(packed, measure)
    people = ~np.isnan(human)
    short = _mean(values(condensed(packed), measure)[people])
    return tuple(
        Filled(
            system,
            judge,
            _mean(human[people]),
            short,
            _mean(values(more := pack(run, table), measure)[people]),
            round(1 - _mean(values(more, JUDGED)[people]), 6),
        )
        for judge, table in judges.items()
    )


def merged(people: Qrels, judge: Qrels) -> Qrels:
    """Return people's grades, and the judge's where there is none.

    >>> merged({"q": {"a": 1}}, {"q": {"a": 0, "b": 2}})
    {'q': {'a': 1, 'b': 2}}
    """
    return {query: {**judge.get(query, {}), **grades} for query, grades in people.items()}


def uniques(
    tops: Mapping[str, Sequence[Sequence[str]]], queries: Sequence[str], qrels: Qrels
) -> tuple[Unique, ...]:
    """Return every run without the labels of what only it has among the first ten.

    A query that is left without a relevant document is in neither mean. () for less than three
    runs: of two, each is the other's pool. Where there are many queries, some of them, evenly.
    """
    if len(tops) < 3:
        return ()
    step = max(1, -(-len(queries) * len(tops) // MOST))
    queries = queries[::step]
    tops = {name: of[::step] for name, of in tops.items()}
    judged = {query: qrels[query] for query in queries}
    found = Counter(
        (i, d)
        for of in tops.values()
        for i, top in enumerate(of)
        for d in top[:POOL]
        if d in judged[queries[i]]
    )
    return tuple(_unique(name, of, queries, judged, found) for name, of in tops.items())


def _unique(
    name: str,
    top: Sequence[Sequence[str]],
    queries: Sequence[str],
    judged: Qrels,
    found: Mapping[tuple[int, str], int],
) -> Unique:
    own = {
        q: {d for d in ds[:POOL] if found.get((i, d)) == 1}
        for i, (q, ds) in enumerate(zip(queries, top, strict=True))
    }
    rest = {
        q: {d: g for d, g in grades.items() if d not in own[q]} if own[q] else grades
        for q, grades in judged.items()
    }
    run = dict(zip(queries, top, strict=True))
    before, after = values(pack(run, judged), MEASURE), values(pack(run, rest), MEASURE)
    both = ~np.isnan(after)
    labels = sum(map(len, own.values()))
    return Unique(name, _mean(before[both]), _mean(after[both]), labels, int(both.sum()))


def values(packed: Packed, measure: str) -> Values:
    """Return a measure of every query; NaN where nothing can be found."""
    (found,) = evaluate(packed, [parse(measure)]).values()
    return found


def _mean(given: Values) -> float:
    return round(float(given.mean()), 6) if len(given) else 0.0
