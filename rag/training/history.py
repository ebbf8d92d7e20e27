"""What happened in a run, update by update: what its report shows."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class History:
    """Losses of all updates, looks, and how long it took.

    Each look is (updates made, figure), the higher the better. `seconds` are of all sittings.
    """

    losses: list[float] = field(default_factory=list)
    looks: list[tuple[int, float]] = field(default_factory=list)
    seconds: float = 0.0
    sittings: int = 0
    ended: str = ""

    @property
    def best(self) -> tuple[int, float] | None:
        """The best look, the earliest of equals; None without any."""
        return max(self.looks, key=lambda look: look[1]) if self.looks else None

    def since_best(self) -> int:
        """Return how many looks came after the best one."""
        if (best := self.best) is None:
            return 0
        return sum(update > best[0] for update, _ in self.looks)

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "losses": list(self.losses),
            "looks": [list(look) for look in self.looks],
            "seconds": self.seconds,
            "sittings": self.sittings,
            "ended": self.ended,
        }

    @staticmethod
    def of(data: dict[str, Any]) -> "History":
        """Return what `as_data` gave."""
        looks = [(int(update), float(figure)) for update, figure in data["looks"]]
        return History(
            list(data["losses"]), looks, data["seconds"], data["sittings"], data["ended"]
        )
