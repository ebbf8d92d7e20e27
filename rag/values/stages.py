"""What every stage did, and what it asked of a model."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from rag.values.frozen import Frozen


@dataclass(frozen=True, slots=True)
class Cost(Frozen):
    """What was asked of a model.

    `calls` are requests, `cached` of them answered from the cache; `depth` is how many batches of
    them had to wait for one another. Tokens are those really read and written. `searches` are those
    of the store that were made to ask it.
    """

    calls: int = 0
    depth: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cached: int = 0
    searches: int = 0

    def __str__(self) -> str:
        """Return what is not zero, in words.

        >>> str(Cost(calls=2, depth=1, tokens_in=70)), str(Cost())
        ('calls 2, tokens read 70', '')
        """
        figures = {
            "calls": self.calls,
            "tokens read": self.tokens_in,
            "tokens written": self.tokens_out,
            "searches": self.searches,
        }
        return ", ".join(f"{name} {figure:,}" for name, figure in figures.items() if figure)

    def __add__(self, other: "Cost") -> "Cost":
        """Return the cost of doing the one and then the other.

        >>> Cost(calls=2, depth=1) + Cost(calls=3, depth=1)
        Cost(calls=5, depth=2, tokens_in=0, tokens_out=0, cached=0, searches=0)
        """
        return Cost(
            self.calls + other.calls,
            self.depth + other.depth,
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            self.cached + other.cached,
            self.searches + other.searches,
        )


@dataclass(frozen=True, slots=True)
class Stage(Frozen):
    """What one stage did, and what its questions to a model cost, as far as they were answered.

    `status` is "ok", "skipped", "cut short" or "failed".
    """

    name: str
    ms: float
    status: Literal["ok", "skipped", "cut short", "failed"] = "ok"
    detail: str = ""
    cost: Cost = field(default=Cost())


Trace: TypeAlias = tuple[Stage, ...]
