"""How probable a model finds each letter of a window, whatever stands behind it.

PriDe, Zheng et al., ICLR 2024 (arXiv 2309.03882): what a model says about a label is its own habit
times what it finds behind the label; if every content stands behind every label once, the means
of the log-probabilities differ by the habit alone. The habit holds for a model, its template and a
size of window. In ranking it mixes with the sound guess that what comes first is better: measure
with and without it before it is used.
"""

import math
from collections.abc import Sequence

from rag.flows import Flow
from rag.values import Chosen
from rerankers.asking import Asker, sole
from rerankers.ordering import Window, floored


def letter_prior(askers: Sequence[Asker], size: int) -> Flow[tuple[float, ...]]:
    """Return the log-probability of each place in a window of this size; together they are 1.

    All rotations of the first `size` passages of each asker are asked, in one batch. Take askers
    about `samples.QUERIES` and `samples.PASSAGES`, which ask `Choose` once per window and have no
    prior themselves. A label that a reply lacks counts as a little below its least.

    Raises:
        RagError: the model could not be asked; a prior from half the rotations would be none.
    """
    windows = rotations(size)
    asked = [list(asker.requests(window)) for asker in askers for window in windows]
    replies = iter((yield [request for requests in asked for request in requests]))
    found = [sole([next(replies) for _ in requests], Chosen) for requests in asked]
    means = [math.fsum(place) / len(found) for place in zip(*map(floored, found), strict=True)]
    return normalised(means)


def rotations(size: int) -> tuple[Window, ...]:
    """Return the windows in which each passage stands at each place once.

    >>> rotations(3)
    ((0, 1, 2), (1, 2, 0), (2, 0, 1))
    """
    return tuple((*range(first, size), *range(first)) for first in range(size))


def normalised(logs: Sequence[float]) -> tuple[float, ...]:
    """Return log-probabilities with a constant added, so that the probabilities sum to 1.

    >>> [round(math.exp(log), 3) for log in normalised([5.0, 5.0])]
    [0.5, 0.5]
    """
    most = max(logs)
    total = most + math.log(math.fsum(math.exp(log - most) for log in logs))
    return tuple(log - total for log in logs)
