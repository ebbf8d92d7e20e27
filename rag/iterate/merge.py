"""The rankings of several searches become one.

Scores of two searches are never compared: those of a longer query are larger. Ranks are. And ranks
are not added up, as fusions do: the document that only one step found, and found first, is often
the one that was missing, and a sum puts what all steps found in passing before it. An expert's
steps have both documents in the first ten for 98 of the questions of HotpotQA-100; summed up by
reciprocal rank fusion, for 80, as many as a single search (`tests/eval/test_multistep.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rag.values import Candidate


def merged(
    rankings: Sequence[Sequence[Candidate]], weights: Sequence[float] = ()
) -> tuple[Candidate, ...]:
    """Return every chunk once: the first of every search, then the second of every one, and so on.

    A rank counts as rank divided by weight: at .25, the first of a search stands beside the fourth
    of others. Of equal ones, what more searches found comes first (the sum of weight / rank), then
    by chunk id. Chunk, ranks and flags are those of the search that ranked it highest (of equals,
    the earlier); its score is 1 / place. Where only one search found anything, its candidates stay
    as they are, with their own scores.

    Args:
        rankings: candidates by search, each best first.
        weights: of the searches, in their order, above 0; none means 1 each.

    Raises:
        ValueError: there is not one weight per ranking.
    """
    shares = weights or [1.0] * len(rankings)
    pairs = [(_once(r), weight) for r, weight in zip(rankings, shares, strict=True) if r]
    if len(pairs) == 1:
        return pairs[0][0]
    place: dict[str, float] = {}
    support: dict[str, float] = {}
    best: dict[str, Candidate] = {}
    for rank, weight, found in _ranked(pairs):
        id_ = found.chunk.id
        support[id_] = support.get(id_, 0.0) + weight / rank
        if rank / weight < place.get(id_, float("inf")):
            place[id_], best[id_] = rank / weight, found
    order = sorted(best, key=lambda id_: (place[id_], -round(support[id_], 12), id_))
    return tuple(replace(best[id_], score=1 / n) for n, id_ in enumerate(order, start=1))


def _ranked(
    pairs: Sequence[tuple[Sequence[Candidate], float]],
) -> Iterator[tuple[int, float, Candidate]]:
    """Yield rank, weight and candidate, search by search."""
    for ranking, weight in pairs:
        for rank, found in enumerate(ranking, start=1):
            yield rank, weight, found


def _once(ranking: Sequence[Candidate]) -> tuple[Candidate, ...]:
    first: dict[str, Candidate] = {}
    for found in ranking:
        first.setdefault(found.chunk.id, found)
    return tuple(first.values())
