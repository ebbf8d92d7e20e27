"""A pupil that learns a line, and a script that is killed while it does."""

import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from rag.showing import silent
from rag.training.loop import train
from rag.training.passes import sent_back
from rag.training.pupils import Plan

Point = tuple[float, float]


class Line:
    """Learns y = a·x + b, with dropout, so that random numbers matter."""

    def __init__(self) -> None:
        torch.manual_seed(1)
        self.layer = torch.nn.Sequential(torch.nn.Linear(1, 8), torch.nn.Dropout(0.2))
        self.head = torch.nn.Linear(8, 1)
        self.seen: list[tuple[Point, ...]] = []

    def trained(self) -> Iterator[tuple[str, torch.Tensor]]:
        yield from self.layer.named_parameters("layer")
        yield from self.head.named_parameters("head")

    def learn(self, lessons: Sequence[Point]) -> float:
        self.seen.append(tuple(lessons))
        x, y = torch.tensor(lessons).T

        def read(part: torch.Tensor) -> list[torch.Tensor]:
            return [self.head(self.layer(part[:, None]))[:, 0]]

        return sent_back([x], read, lambda found: (found[0] - y).square().mean())

    def error(self) -> float:
        with torch.no_grad():
            x = torch.tensor([[0.0], [1.0]])
            self.layer.eval()
            found = self.head(self.layer(x))[:, 0]
            self.layer.train()
        return -float((found - torch.tensor([1.0, 3.0])).abs().sum())

    def save(self, folder: Path) -> None:
        torch.save(dict(self.trained()), folder / "line.pt")


@dataclass(frozen=True)
class Points:
    """Points of y = 2x + 1."""

    updates: int = 40
    wait: float = 0.0

    def lessons(self, update: int) -> list[Point]:
        time.sleep(self.wait)
        chance = random.Random(update)  # noqa: S311 - not for secrets
        return [(x, 2 * x + 1) for x in (chance.random() for _ in range(4))]


def loaded(folder: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = torch.load(folder / "line.pt")
    return found


def run(folder: Path, wait: float = 0.0) -> None:
    pupil = Line()
    plan = Plan(rate=0.05, look=10, keep_s=0.0)
    train(pupil, Points(wait=wait), plan, folder, "recipe", silent, pupil.error)


if __name__ == "__main__":
    run(Path(sys.argv[1]), float(sys.argv[2]))
