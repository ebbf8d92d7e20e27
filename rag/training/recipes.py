"""How each kind of model is trained: all that decides the result, beside data and model."""

import math
from dataclasses import dataclass

from rag.training.pupils import Plan
from rag.values import Frozen


@dataclass(frozen=True, slots=True)
class Pace(Frozen):
    """How long and how fast: the `Plan` of a loop, for a number of epochs or of updates.

    `updates` counts where it is not 0; `batch` are groups an update.
    """

    epochs: float = 1.0
    updates: int = 0
    batch: int = 4
    rate: float = 3e-5
    warmup: float = 0.1
    look: int = 50
    patience: int = 0
    seed: int = 0

    def count(self, groups: int) -> int:
        """Return how many updates there are over so many groups.

        >>> Pace(epochs=2, batch=4).count(10), Pace(updates=7).count(10)
        (5, 7)
        """
        return self.updates or max(1, math.ceil(self.epochs * groups / self.batch))

    def plan(self) -> Plan:
        """Return it as the loop takes it."""
        return Plan(
            rate=self.rate,
            warmup=self.warmup,
            look=self.look,
            patience=self.patience,
            seed=self.seed,
        )


@dataclass(frozen=True, slots=True)
class RetrieverRecipe(Frozen):
    """An encoder: see `indexers.training`."""

    pace: Pace = Pace(epochs=1, batch=32, look=10)
    objective: str = "infonce"
    temperature: float = 0.05
    hard: int = 1
    depth: int = 10
    every: bool = False
    passage_tokens: int = 256


@dataclass(frozen=True, slots=True)
class RankerRecipe(Frozen):
    """A reranker of one passage at a time: see `rerankers.training`."""

    pace: Pace = Pace()
    method: str = "query-likelihood"
    objective: str = "listwise"
    size: int = 6
    hard: float = 1.0
    query_tokens: int = 128
    passage_tokens: int = 192


@dataclass(frozen=True, slots=True)
class FirstRecipe(Frozen):
    """FIRST: see `rerankers.training`. Its stages say how many updates there are."""

    pace: Pace = Pace(rate=5e-5)
    stages: str = "300x4x25x0,300x8x40x0.5,300x10x60x1,150x20x60x1"
    objective: str = "listwise"
    taught: str = "ranking"
    vary: bool = True
    query_tokens: int = 128
    passage_tokens: int = 192


@dataclass(frozen=True, slots=True)
class RewriterRecipe(Frozen):
    """What writes texts to search with: by preferences, or the texts that helped."""

    pace: Pace = Pace(rate=1e-5)
    objective: str = "dpo"
    beta: float = 0.1
