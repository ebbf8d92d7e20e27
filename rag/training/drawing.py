"""Which groups, and which of their candidates, stand in which update: the same for the same one."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from rag.errors import BadInput
from rag.training.values import Group, Passage
from rag.values import Frozen


@dataclass(frozen=True, slots=True)
class Drawing(Frozen):
    """Draws candidates from groups.

    Raises:
        BadInput: no group has a positive, or there is nothing to set beside it.
    """

    groups: Sequence[Group]
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.groups:
            raise BadInput("there is nothing to train on: no group of the data has a positive")
        if len(self.groups) == 1 and not self.groups[0].negatives:
            raise BadInput("there is nothing to train on: one positive and no negative")

    def group(self, place: int) -> Group:
        """Return the group at a place of an endless row of epochs, each in an order of its own."""
        epoch, within = divmod(place, len(self.groups))
        order = random.Random(f"{self.seed} {epoch}").sample(  # noqa: S311 - not for secrets
            range(len(self.groups)), len(self.groups)
        )
        return self.groups[order[within]]

    def passages(self, group: Group, size: int, hard: float, place: int) -> list[Passage]:
        """Return candidates of a group in no order: a positive, its own negatives, and others'.

        Where a teacher scored them all, any of the group's own.
        """
        chance = random.Random(f"{self.seed} {place} {group.id}")  # noqa: S311 - not for secrets
        if all(p.score is not None for p in group.passages) and len(group.passages) > 1:
            return chance.sample(group.passages, min(size, len(group.passages)))
        own = min(round(hard * (size - 1)), len(group.negatives))
        found = [chance.choice(group.positives), *chance.sample(group.negatives, own)]
        positives = {p.text for p in group.positives}
        tries = 0
        while len(found) < size and tries < 20 * size:
            tries += 1
            other = chance.choice(self.groups)
            one = chance.choice(other.passages)
            if other.id != group.id and one.text not in positives:
                found.append(Passage(one.id, one.text))
        chance.shuffle(found)
        return found
