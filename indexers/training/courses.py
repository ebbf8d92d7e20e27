"""What an encoder in training is shown in which update, and how good it is on what it is not."""

import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from indexers.training.contrast import Contrast, Pairing
from rag.errors import BadInput
from rag.training.drawing import Drawing
from rag.training.objectives import ndcg
from rag.training.values import Group
from rag.values import Frozen


@dataclass(frozen=True, slots=True)
class PairingCourse(Frozen):
    """`batch` queries an update, each with a positive and so many hard negatives.

    Those are drawn from the `depth` hardest. With `every`, all positives stand there; where a
    teacher scored all passages of a group, the first of them do, as they are.
    """

    drawing: Drawing
    updates: int
    batch: int = 32
    hard: int = 1
    depth: int = 10
    every: bool = False

    def lessons(self, update: int) -> list[Pairing]:
        """Return those of an update; no query stands there twice."""
        found: dict[str, Pairing] = {}
        for place in range(update * self.batch, (update + 1) * self.batch):
            group = self.drawing.group(place)
            found.setdefault(group.query, self._pairing(group, place))
        return list(found.values())

    def _pairing(self, group: Group, place: int) -> Pairing:
        known = frozenset(p.text for p in group.positives)
        if all(p.score is not None for p in group.passages):
            shown = group.passages[: self.hard + 1]
            scores = tuple(p.score for p in shown if p.score is not None)
            positives = sum(p.grade > 0 for p in shown)
            texts = tuple(p.text for p in shown)
            return Pairing(group.query, texts, positives, known, scores, group.misleading)
        chance = random.Random(f"{self.drawing.seed} {place}")  # noqa: S311 - not for secrets
        first = chance.choice(group.positives)
        positives_shown = [first, *(p for p in group.positives if p != first and self.every)]
        hardest = group.negatives[: self.depth]
        negatives = chance.sample(hardest, min(self.hard, len(hardest)))
        texts = tuple(p.text for p in (*positives_shown, *negatives))
        return Pairing(group.query, texts, len(positives_shown), known, misleading=group.misleading)


def looking(pupil: Contrast, groups: Sequence[Group]) -> Callable[[], float]:
    """Return what gives the mean nDCG@10 of queries over the passages of all these groups.

    Raises:
        BadInput: there are none.
    """
    if not groups:
        raise BadInput("there is nothing to look at: the held-out part holds no group")
    texts = sorted({p.text for group in groups for p in group.passages})
    relevant = [{p.text for p in group.positives} for group in groups]

    def look() -> float:
        queries = pupil.encoded([group.query for group in groups], "query")
        scores = (queries @ pupil.encoded(texts, "document").T).tolist()
        gains = [[float(text in known) for text in texts] for known in relevant]
        return statistics.mean(map(ndcg, scores, gains))

    return look
