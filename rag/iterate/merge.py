"""The rankings of several searches become one.

Scores of two searches are never compared: those of a longer query are larger. Ranks are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rag.fuse import rrf
from rag.values import Candidate, Hit, Ranking


def merged(
    rankings: Sequence[Sequence[Candidate]], weights: Sequence[float] = ()
) -> tuple[Candidate, ...]:
    """Return every chunk once, by reciprocal rank fusion over the searches (`rag.fuse.rrf`, k 60).

    A candidate's score is the fused one; its chunk, ranks and flags are those of the search that
    ranked it highest (of equals, the earlier). Where only one search found anything, its candidates
    stay as they are, with their own scores.

    Args:
        rankings: candidates by search, each best first.
        weights: of the searches, in their order; none means 1 each.

    Raises:
        ValueError: there is not one weight per ranking.
    """
    shares = weights or [1.0] * len(rankings)
    pairs = [(_once(r), weight) for r, weight in zip(rankings, shares, strict=True) if r]
    if len(pairs) == 1:
        return pairs[0][0]
    fused = _fused([ranking for ranking, _ in pairs], [weight for _, weight in pairs])
    best = {found.chunk.id: found for _, found in _by_rank([ranking for ranking, _ in pairs])}
    return tuple(replace(best[hit.chunk_id], score=hit.score) for hit in fused)


def interleaved(rankings: Sequence[Sequence[Candidate]]) -> tuple[Candidate, ...]:
    """Return every chunk once, by the best rank that any search gave it, with its score there.

    Of equal ranks, what more searches found, then by chunk id. It is the order for a short reading:
    the first of every search stands before the second of any, where a fusion would put what all
    searches found before the one document that only the last found.
    """
    lists = [_once(ranking) for ranking in rankings]
    score = {hit.chunk_id: hit.score for hit in _fused(lists, [1.0] * len(lists))}
    best = {found.chunk.id: (rank, found) for rank, found in _by_rank(lists)}
    ordered = sorted(best.items(), key=lambda one: (one[1][0], -score[one[0]], one[0]))
    return tuple(found for _, (_, found) in ordered)


def _fused(rankings: Sequence[Sequence[Candidate]], weights: Sequence[float]) -> Ranking:
    named = {
        str(i): tuple(Hit(found.chunk.id, found.score) for found in ranking)
        for i, ranking in enumerate(rankings)
    }
    return rrf(named, dict(zip(named, weights, strict=True)))


def _by_rank(rankings: Sequence[Sequence[Candidate]]) -> Iterator[tuple[int, Candidate]]:
    """Yield every candidate with its rank: the worst first, so that a mapping keeps the best."""
    for rank in range(max(map(len, rankings), default=0), 0, -1):
        for ranking in reversed(rankings):
            if rank <= len(ranking):
                yield rank, ranking[rank - 1]


def _once(ranking: Sequence[Candidate]) -> tuple[Candidate, ...]:
    first: dict[str, Candidate] = {}
    for found in ranking:
        first.setdefault(found.chunk.id, found)
    return tuple(first.values())
