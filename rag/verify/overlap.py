"""How much of a sentence its evidence holds: words that say something, and meaning as vectors."""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache

from rag.outside.words import content

DENSE = 0.3
"""The weight of the cosine beside the words; the best of .2 to .6 on SciFact's train claims."""

_ALIKE = 0.4  # chosen: "infected" is like "infections" (.53), "protein" not like "proton" (.31)


_content = lru_cache(2_048)(content)


@lru_cache(20_000)
def trigrams(word: str) -> frozenset[str]:
    """Return the runs of three letters in a word, its borders among them.

    >>> sorted(trigrams("cat"))
    ['^ca', 'at$', 'cat']
    """
    marked = f"^{word}$"
    return frozenset(marked[i : i + 3] for i in range(len(marked) - 2))


def alike(one: str, other: str) -> float:
    """Return how much two words are alike (Dice's coefficient of trigrams), 0 below .4.

    >>> alike("lamp", "lamps") > 0.6, alike("lamp", "rope")
    (True, 0.0)
    """
    if one == other:
        return 1.0
    ours, theirs = trigrams(one), trigrams(other)
    dice = 2 * len(ours & theirs) / (len(ours) + len(theirs))
    return dice if dice >= _ALIKE else 0.0


class Packed:
    """The sentences that an answer was written from: what they share tells little.

    A word weighs as in BM25, by its inverse document frequency among them; one that is half there
    counts half.
    """

    def __init__(self, sentences: Sequence[str]) -> None:
        each = [content(sentence) for sentence in sentences]
        self._size = len(each)
        self._held: dict[str, list[int]] = defaultdict(list)
        for i, words in enumerate(each):
            for word in words:
                self._held[word].append(i)
        self._with: dict[str, list[str]] = defaultdict(list)
        for word in self._held:
            for part in trigrams(word):
                self._with[part].append(word)
        self._weights: dict[str, float] = {}

    def weight(self, word: str) -> float:
        """Return log(1 + (n − df + .5) / (df + .5)).

        >>> packed = Packed(["a lamp", "a lamp and a rope"])
        >>> packed.weight("oil") > packed.weight("rope") > packed.weight("lamp") > 0
        True
        """
        if word not in self._weights:
            best: dict[int, float] = {}
            for other, likeness in self._like(word):
                for i in self._held[other]:
                    best[i] = max(best.get(i, 0.0), likeness)
            df = math.fsum(best.values())
            self._weights[word] = math.log1p((self._size - df + 0.5) / (df + 0.5))
        return self._weights[word]

    def _like(self, word: str) -> Iterator[tuple[str, float]]:
        parts = trigrams(word)
        shared = Counter(other for part in parts for other in self._with.get(part, ()))
        for other in shared:
            if likeness := alike(word, other):
                yield other, likeness


def contained(sentence: str, evidence: Sequence[str], packed: Packed) -> float:
    """Return the share of the sentence's words that the evidence holds, by weight, in [0, 1].

    A sentence without words that say something is not held.

    >>> round(contained("The lamp burns oil.", ["Oil feeds the lamp."], Packed([])), 2)
    0.67
    """
    held = frozenset[str]().union(*map(_content, evidence))
    weights = {word: packed.weight(word) for word in sorted(_content(sentence))}
    total = math.fsum(weights.values())
    if not total:
        return 0.0
    return math.fsum(weight * _best(word, held) for word, weight in weights.items()) / total


def _best(word: str, held: Collection[str]) -> float:
    return 1.0 if word in held else max((alike(word, other) for other in held), default=0.0)


def mixed(lexical: float, cosine: float, dense: float = DENSE) -> float:
    """Return both as one score in [0, 1]; a negative cosine counts as 0.

    >>> mixed(1.0, 0.5, dense=0.5), mixed(1.0, -0.5, dense=0.5)
    (0.75, 0.5)
    """
    return (1 - dense) * lexical + dense * min(1.0, max(0.0, cosine))
