"""What a study finds: figures of queries, and points with their figures."""

from dataclasses import dataclass, field

import msgspec
import numpy as np
import numpy.typing as npt

from eval.tuning.space import Value
from rag.values import Frozen

Floats = npt.NDArray[np.float64]


class Figures(msgspec.Struct, frozen=True):
    """What every query of a half brought and took, in the half's order.

    `cost` is in the prices' currency. With an `error` there is nothing else: some query was not
    answered as the point says.
    """

    quality: tuple[float, ...] = ()
    ms: tuple[float, ...] = ()
    cost: tuple[float, ...] = ()
    error: str = ""

    @property
    def p95_ms(self) -> float:
        """The 95th percentile of latency, milliseconds."""
        return float(np.percentile(self.ms, 95))

    @property
    def mean_quality(self) -> float:
        """The mean of the measure over queries."""
        return float(np.mean(self.quality))

    @property
    def cost_per_1000(self) -> float:
        """What 1,000 such queries cost."""
        return 1_000 * float(np.mean(self.cost))


class Trial(msgspec.Struct, frozen=True):
    """A point that was evaluated: who proposed it, its figures, and how long that took.

    Number 0 is the baseline; its point is empty: the settings in effect are it.
    """

    number: int
    by: str
    point: dict[str, Value]
    figures: Figures
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Found(Frozen):
    """What a study has found.

    `held_out` has the figures of the other half by number of the trial, of the baseline and of the
    points that are not dominated. `ended` says why no more points were evaluated.
    """

    trials: tuple[Trial, ...]
    held_out: dict[int, Figures] = field(default_factory=dict)
    ended: str = ""
