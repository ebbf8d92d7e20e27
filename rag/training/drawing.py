"""Which groups, and which of their candidates, stand in which update: the same for the same one."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
    _of: Mapping[str, list[Group]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.groups:
            raise BadInput("there is nothing to train on: no group of the data has a positive")
        if len(self.groups) == 1 and not self.groups[0].negatives:
            raise BadInput("there is nothing to train on: one positive and no negative")
        of: dict[str, list[Group]] = {}
        for group in self.groups:
            for text in {p.text for p in group.positives}:
                of.setdefault(text, []).append(group)
        object.__setattr__(self, "_of", of)

    def group(self, place: int) -> Group:
        """Return the group at a place of an endless row of epochs, each in an order of its own."""
        epoch, within = divmod(place, len(self.groups))
        order = random.Random(f"{self.seed} {epoch}").sample(  # noqa: S311 - not for secrets
            range(len(self.groups)), len(self.groups)
        )
        return self.groups[order[within]]

    def passages(self, group: Group, size: int, hard: float, place: int) -> list[Passage]:
        """Return candidates of a group in no order: a positive, own negatives, others' positives.

        Where a teacher scored them all, any of the group's own.
        """
        chance = random.Random(f"{self.seed} {place} {group.id}")  # noqa: S311 - not for secrets
        if all(p.score is not None for p in group.passages) and len(group.passages) > 1:
            return chance.sample(group.passages, min(size, len(group.passages)))
        own = min(round(hard * (size - 1)), len(group.negatives))
        found = [chance.choice(group.positives), *chance.sample(group.negatives, own)]
        there = {p.text for p in (*group.positives, *found)}
        tries = 0
        while len(found) < size and tries < 20 * size:
            tries += 1
            other = chance.choice(self.groups)
            few = tries > 10 * size  # groups: not every candidate can be some group's positive
            one = chance.choice((not few and other.positives) or other.passages)
            if other.id != group.id and one.text not in there:
                found.append(Passage(one.id, one.text))
                there.add(one.text)
        chance.shuffle(found)
        return found

    def asking(
        self, group: Group, passages: Sequence[Passage], count: int, place: int
    ) -> list[tuple[str, list[Passage]]]:
        """Return the group's query and others that are right for one of its candidates, at most.

        Each comes with the candidates as it grades them.
        """
        chance = random.Random(f"{self.seed} {place} asking")  # noqa: S311 - not for secrets
        others = {
            other.query: other
            for one in passages
            for other in self._of.get(one.text, ())
            if other.query != group.query
        }
        drawn = chance.sample(sorted(others), min(count - 1, len(others)))
        return [(group.query, list(passages)), *((q, _graded(passages, others[q])) for q in drawn)]


def _graded(passages: Sequence[Passage], group: Group) -> list[Passage]:
    right = {p.text: p.grade for p in group.positives}
    return [Passage(p.id, p.text, right.get(p.text, 0)) for p in passages]
