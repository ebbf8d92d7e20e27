"""How people's and a judge's labels order systems, and estimates from both."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from eval.agreement.contingency import Array, Grades
from eval.agreement.prediction import Estimate, estimate, estimate_by_query
from eval.agreement.systems import compare_systems
from eval.checking.comparing import Compared
from eval.checking.judged import Judged
from eval.checking.record import SystemEstimate, Systems
from eval.data.collection import Qrels
from eval.data.run_table import read_run_table
from eval.measures import QrelsTable, evaluate, pack, parse
from rag.errors import BadInput

MEASURE = parse("nDCG@10")


def order(runs: Mapping[str, Path], people: Qrels, judge: Qrels) -> Systems:
    """Return how alike the two order systems, over queries that both judged.

    Queries where people found nothing relevant are left out: they tell no systems apart. Where only
    the judge found nothing, every system has 0. Queries that the judge alone judged go into
    estimates of each system's mean (`eval.agreement.prediction`).

    Raises:
        BadInput: fewer than two systems, or no query that both judged.
        BadCollection: a run that cannot be read.
    """
    both = [query for query in people if query in judge]
    kept = [query for query in both if max(people[query].values()) > 0]
    alone = [query for query in judge if query not in people]
    tables = {name: read_run_table(file) for name, file in runs.items()}

    def values(qrels: Qrels, queries: Sequence[str]) -> Array:
        wanted = QrelsTable.of({query: qrels[query] for query in queries})
        packed = [pack(table, wanted) for table in tables.values()]
        columns = [np.nan_to_num(evaluate(each, [MEASURE])[MEASURE]) for each in packed]
        return np.stack(columns, axis=1)  # (q, s)

    human, its, rest = values(people, kept), values(judge, kept), values(judge, alone)
    agreed = compare_systems(tuple(tables), human, its)
    estimates = (
        tuple(
            SystemEstimate(name, estimate(human[:, s], its[:, s], rest[:, s]))
            for s, name in enumerate(tables)
        )
        if min(len(kept), len(alone)) >= 2
        else ()
    )
    return Systems(str(MEASURE), agreed, len(both) - len(kept), estimates)


def estimates(of: Compared, judged: Judged, cut: int) -> dict[str, Estimate]:
    """Return the share of relevant pairs and the mean grade among all that the judge graded.

    Where people labelled a drawn sample, it stands for all of them; else the pairs that only the
    judge graded are taken to be like those that both did.

    Raises:
        BadInput: people left nothing to estimate, or labels are of one query.
    """
    mine = set(of.pairs)
    rest = sorted(pair for pair in judged.grades if of.weights is not None or pair not in mine)
    if not rest:
        raise BadInput("people labelled all that the judge did: nothing is left to estimate")
    names = sorted({query for query, _ in [*of.pairs, *rest]})
    numbers = {query: number for number, query in enumerate(names)}
    queries, others = (
        np.array([numbers[query] for query, _ in group]) for group in (of.pairs, rest)
    )
    graded = np.array([judged.grades[pair] for pair in rest])

    def of_scale(scale: Callable[[Grades], Array]) -> Estimate:
        human, judge = scale(of.human), scale(of.judge)
        return estimate_by_query(human, judge, queries, scale(graded), others, of.weights)

    return {
        "relevant": of_scale(lambda grades: (grades >= cut).astype(np.float64)),
        "mean grade": of_scale(lambda grades: grades.astype(np.float64)),
    }
