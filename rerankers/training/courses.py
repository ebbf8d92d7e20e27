"""What a reranker in training is asked in which update."""

import random
from dataclasses import dataclass

from rag.errors import BadInput
from rag.training.drawing import Drawing
from rag.training.lessons import Lesson, together
from rag.values import Frozen
from rerankers.lettering import LETTERS
from rerankers.training.exercises import Limits, joint, pointwise, window


@dataclass(frozen=True, slots=True)
class Stage(Frozen):
    """A stretch of a curriculum: so many updates with so many candidates of so many tokens.

    `hard` is the share of negatives that are the group's own, found by search; the others are
    passages of other groups. `queries` are asked of each window: with more than one, those that
    some other candidate is right for, too, and every query stands behind the passages alone, which
    are read once. So a small model learns what letters are for in a fraction of the time.
    """

    updates: int
    size: int
    tokens: int = 192
    hard: float = 1.0
    queries: int = 1


def parse_stages(text: str) -> tuple[Stage, ...]:
    """Return the stages that a text names: updates x size x tokens x hard x queries, by commas.

    Raises:
        BadInput: it cannot be read.

    >>> first, last = parse_stages("300x4x25x0x4, 150x20x60")
    >>> first, (last.hard, last.queries)
    (Stage(updates=300, size=4, tokens=25, hard=0.0, queries=4), (1.0, 1))
    """
    found = []
    for part in text.split(","):
        numbers = part.strip().split("x")
        try:
            updates, size, tokens = map(int, numbers[:3])
            hard = float(numbers[3]) if numbers[3:] else 1.0
            (queries,) = map(int, numbers[4:]) if numbers[4:] else (1,)
        except ValueError:
            raise BadInput(
                f"'{part.strip()}' is no stage: write UPDATESxPASSAGESxTOKENSxHARDxQUERIES, "
                "e.g. 300x8x40x0.5x4; the last two may be left out"
            ) from None
        if not (min(updates, tokens, queries) > 0 and 1 < size <= len(LETTERS) and 0 <= hard <= 1):
            raise BadInput(
                f"'{part.strip()}' is no stage: 2 to {len(LETTERS)} passages, a share from 0 to 1, "
                "and nothing else below 1"
            )
        found.append(Stage(updates, size, tokens, hard, queries))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class PointwiseCourse(Frozen):
    """Groups of candidates, asked about one by one: `batch` groups of `size` an update."""

    drawing: Drawing
    limits: Limits
    method: str
    objective: str
    updates: int
    batch: int = 4
    size: int = 6
    hard: float = 1.0

    def lessons(self, update: int) -> list[Lesson]:
        """Return those of an update."""
        found = []
        for place in range(update * self.batch, (update + 1) * self.batch):
            group = self.drawing.group(place)
            passages = self.drawing.passages(group, self.size, self.hard, place)
            exercise = pointwise(self.method, group.query, passages, self.limits)
            found.append(exercise.lesson(self.objective))
        return found


@dataclass(frozen=True, slots=True)
class WindowCourse(Frozen):
    """Windows of FIRST in stages, the candidates shuffled: `batch` windows an update.

    With `vary`, every second window has a size of its own, from 2 to that of the stage.
    """

    drawing: Drawing
    limits: Limits
    stages: tuple[Stage, ...]
    objective: str
    taught: str
    batch: int = 4
    vary: bool = True

    @property
    def updates(self) -> int:
        """How many updates all stages have."""
        return sum(stage.updates for stage in self.stages)

    def stage(self, update: int) -> Stage:
        """Return the stage in which an update lies."""
        left = update
        for stage in self.stages:
            if left < stage.updates:
                return stage
            left -= stage.updates
        return self.stages[-1]

    def lessons(self, update: int) -> list[Lesson]:
        """Return those of an update."""
        stage = self.stage(update)
        limits = Limits(self.limits.count, self.limits.query, stage.tokens)
        found = []
        for place in range(update * self.batch, (update + 1) * self.batch):
            group = self.drawing.group(place)
            size = self._size(stage, place)
            passages = self.drawing.passages(group, size, stage.hard, place)
            asked = self.drawing.asking(group, passages, stage.queries, place)
            late = stage.queries > 1
            found.append(
                together(
                    [
                        joint(window(query, graded, limits, late=late), self.objective, self.taught)
                        for query, graded in asked
                    ]
                )
            )
        return found

    def _size(self, stage: Stage, place: int) -> int:
        if not self.vary or place % 2 == 0:
            return stage.size
        chance = random.Random(f"{self.drawing.seed} size {place}")  # noqa: S311 - not for secrets
        return chance.randint(2, stage.size)
