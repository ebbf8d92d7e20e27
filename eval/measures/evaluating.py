"""All measures of a run, from the one matrix of its grades."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from eval.measures import pooling, ranked, user_models
from eval.measures.judged import Bools, Floats
from eval.measures.measure import Measure
from eval.measures.packed import Packed, condensed

COMPUTE: Mapping[str, Callable[[Packed, Measure], Floats]] = {
    "nDCG": ranked.ndcg,
    "AP": ranked.average_precision,
    "RR": ranked.reciprocal_rank,
    "P": ranked.precision,
    "R": ranked.recall,
    "Rprec": ranked.r_precision,
    "Success": ranked.success,
    "F1": ranked.f1,
    "RBP": user_models.rank_biased_precision,
    "RBPResidual": user_models.rank_biased_residual,
    "ERR": user_models.expected_reciprocal_rank,
    "Bpref": pooling.bpref,
    "infAP": pooling.inferred_average_precision,
    "Judged": pooling.judged,
    "Unjudged": pooling.unjudged,
}
"""One function for each family of `FAMILIES`: a value per query, 0 where nothing can be found."""


def computed(packed: Packed, measures: Sequence[Measure]) -> dict[Measure, Floats]:
    """Return a value per query and measure, in the order of `packed.queries`; 0 where R is 0."""
    found = {measure: np.empty(len(packed.queries)) for measure in measures}
    for rows, part in packed.parts():
        known = condensed(part) if any(measure.judged_only for measure in measures) else part
        for measure, values in found.items():
            seen = known if measure.judged_only else part
            values[rows] = COMPUTE[measure.family](seen, measure)
    return found


def possible(packed: Packed) -> Bools:
    """Return which queries have a relevant document, one of any grade above 0."""
    return packed.judged.count(1) > 0


def evaluate(packed: Packed, measures: Sequence[Measure]) -> dict[Measure, Floats]:
    """Return a value per query and measure, in the order of `packed.queries`.

    An unanswered query has 0. One without a relevant document has NaN in all measures: no system
    can do well or badly there. One that has some, but none of a measure's grade `rel`, has 0.

    >>> from eval.measures import pack, parse
    >>> packed = pack({"q": ["x", "d"]}, {"q": {"d": 1}, "unanswered": {"d": 1}, "none": {"d": 0}})
    >>> evaluate(packed, [parse("RR@10")])[parse("RR@10")].tolist()
    [0.5, 0.0, nan]
    """
    counted = possible(packed)
    return {
        measure: np.where(counted, values, np.nan)
        for measure, values in computed(packed, measures).items()
    }
