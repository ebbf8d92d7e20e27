"""What learns: a model that takes batches and gathers gradients. Two kinds stand behind this."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from torch import Tensor

from rag.values import Frozen

In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)


class Pupil(Protocol[In]):
    """A model in training; for one thread."""

    def trained(self) -> Iterator[tuple[str, Tensor]]:
        """Yield what is trained by name: the same tensors in the same order each time."""
        ...

    def learn(self, lessons: Sequence[In]) -> float:
        """Add the gradient of the lessons' mean loss to what is trained; return that loss.

        Raises:
            BadInput: the loss is no number, or a text does not fit.
            OutOfMemory: even the smallest part of a lesson does not fit the memory.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write the model into an empty folder, to be loaded by its name."""
        ...


class Course(Protocol[Out]):
    """The lessons of each update: the same for the same update, whoever asks and when."""

    @property
    def updates(self) -> int:
        """How many there are."""
        ...

    def lessons(self, update: int) -> Sequence[Out]:
        """Return those of an update, from 0 on."""
        ...


@dataclass(frozen=True, slots=True)
class Plan(Frozen):
    """How the loop goes.

    `rate` is the highest learning rate, reached after `warmup` of all updates and then let down to
    0, along a line. Every `look` updates the model is looked at, where there is something to look
    with, and after `patience` looks without anything better it ends; 0 never does. What was done is
    kept every `keep_s` seconds. `weight_decay` is for matrices alone.
    """

    rate: float = 3e-5
    warmup: float = 0.1
    look: int = 50
    patience: int = 0
    keep_s: float = 300.0
    weight_decay: float = 0.01
    clip: float = 1.0
    seed: int = 0

    def rate_at(self, update: int, updates: int) -> float:
        """Return the learning rate of an update, from 0 on.

        >>> [round(Plan(rate=1.0, warmup=0.5).rate_at(u, 4), 2) for u in range(4)]
        [0.5, 1.0, 1.0, 0.5]
        """
        warm = max(1, round(self.warmup * updates))
        if update < warm:
            return self.rate * (update + 1) / warm
        return self.rate * (updates - update) / max(1, updates - warm)
