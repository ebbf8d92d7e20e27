"""An objective whose Pareto front is known: quality 1 − (x − a)², milliseconds e^x, on queries."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eval.experiments.definition import CollectionTable
from eval.tuning.definition import Limits, Objectives, Study, StudyTable
from eval.tuning.halves import Half
from eval.tuning.space import Point, Range, Space
from eval.tuning.values import Figures
from rag.sections import RerankSettings, SearchSettings
from rag.settings import Settings

QUERIES = 40
BEST = 0.8
"""Where quality is highest; latency is lowest at 0, so the front is all x from 0 to this."""

SPACE: Space = (
    Range("search.dense_weight", 0.0, 1.0, whole=False),
    Range("rerank.guard_weight", 0.0, 1.0, whole=False),
)
"""The second is only in the way: away from .5 it costs quality and time."""

BASELINE = Settings(
    search=SearchSettings(dense_weight=0.2), rerank=RerankSettings(guard_weight=0.5)
)


def study(
    trials: int = 20,
    sampler: str = "tpe",
    limits: Limits | None = None,
    objectives: Objectives | None = None,
    budget: float = 0.0,
    seed: int = 7,
) -> Study:
    """Return a study of the synthetic objective; its baseline is at (0.2, 0.5)."""
    table = StudyTable(
        "synthetic",
        (CollectionTable("nowhere"),),
        {},
        objectives or Objectives(),
        limits or Limits(),
        trials,
        budget,
        seed,
        "botorch" if sampler == "botorch" else "tpe",
    )
    return Study(table, SPACE, BASELINE)


class Surface:
    """Evaluates points on the surface, with noise that is the same for all points of a query.

    Args:
        noise: standard deviation of what a query adds at a point, beside its own difficulty.
        log: a file that is added a line for every evaluation.
    """

    def __init__(self, noise: float = 0.02, log: Path | None = None) -> None:
        self.noise, self.log = noise, log
        self.asked: list[tuple[str, Half]] = []

    async def evaluate(self, name: str, point: Point, half: Half) -> Figures:
        """Return the figures of a point; the baseline is at (0.2, 0.5)."""
        self.asked.append((name, half))
        if self.log:
            with self.log.open("a", encoding="utf-8") as file:
                file.write(f"{name} {half}\n")
        x, y = coordinates(point)
        seed = [QUERIES, half == "tuning"]
        own = np.random.default_rng(seed).normal(0, 0.1, QUERIES)
        noise = np.random.default_rng([*seed, int(1e6 * x), int(1e6 * y)])
        quality = 1 - (x - BEST) ** 2 - (y - 0.5) ** 2 + own
        ms = np.exp(x + (y - 0.5) ** 2) * (1 + 0.01 * np.abs(own))
        return Figures(
            tuple((quality + noise.normal(0, self.noise, QUERIES)).tolist()),
            tuple(ms.tolist()),
            (x / 1_000,) * QUERIES,
        )


def coordinates(point: Point) -> tuple[float, float]:
    """Return x and y of a point."""
    x, y = point.get("search.dense_weight", 0.2), point.get("rerank.guard_weight", 0.5)
    assert isinstance(x, float | int)
    assert isinstance(y, float | int)
    return float(x), float(y)


def area(points: Sequence[Point]) -> float:
    """Return the area that points dominate without noise, of quality above 0 and ln ms below 1.5.

    That of a fine grid of the front is what a search can reach.
    """
    places = sorted(
        (x + (y - 0.5) ** 2, 1 - (x - BEST) ** 2 - (y - 0.5) ** 2)
        for point in points
        for x, y in [coordinates(point)]
    )
    found, reached = 0.0, 0.0
    for latency, quality in places:
        if quality > reached:
            found += (quality - reached) * max(0.0, 1.5 - latency)
            reached = quality
    return found
