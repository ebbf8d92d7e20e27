"""Fusion: several rankings of the same chunks become one.

Raw scores of different branches are never mixed: each method first turns a branch's scores into
something comparable. All take rankings *by branch name*, so the order of branches cannot matter,
and return a `Ranking` with ties broken by chunk id. Which one is the default, and why, is in
`docs/fusion.md`.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from rag.values import Branch, Found, Fused, Hit, Ranking, Stage, ranked

Weights = Mapping[str, float]


def rrf(
    rankings: Mapping[str, Ranking], weights: Weights, whole: Collection[str] = (), k: int = 60
) -> Ranking:
    """Reciprocal rank fusion: Σ w / (k + rank), rank from 1.

    Cormack, Clarke & Büttcher, SIGIR 2009 (k = 60). A branch without a weight weighs 1.

    >>> from rag.values import Hit
    >>> fused = rrf({"bm25": (Hit("a", 9.0), Hit("b", 8.0)), "dense": (Hit("b", 0.7),)}, {})
    >>> [(hit.chunk_id, round(hit.score, 5)) for hit in fused]
    [('b', 0.03252), ('a', 0.01639)]
    """
    del whole  # a rank is a rank
    totals: dict[str, list[float]] = defaultdict(list)
    for name, ranking in rankings.items():
        weight = weights.get(name, 1.0)
        for rank, hit in enumerate(ranking, start=1):
            totals[hit.chunk_id].append(weight / (k + rank))
    return _total(totals)


def dbsf(rankings: Mapping[str, Ranking], weights: Weights, whole: Collection[str] = ()) -> Ranking:
    """Distribution-based score fusion: Σ w · (score − (μ − 3σ)) / 6σ.

    μ and σ (n − 1) are those of the branch's returned scores; a branch whose scores are all equal
    gives .5 each. Mazzeschi 2023, as Qdrant implements it. A chunk that a branch did not find gets
    nothing from it. A branch without a weight weighs 1.

    In the branches named by `whole`, what was not found has the score 0, which is as good as known,
    and counts like any other. Without it, a chunk that has one word of the question stands far
    above all that have none, wherever few have one: in small collections.

    >>> from rag.values import Hit
    >>> fused = dbsf({"bm25": (Hit("a", 3.0), Hit("b", 2.0), Hit("c", 1.0))}, {})
    >>> [(hit.chunk_id, round(hit.score, 4)) for hit in fused]
    [('a', 0.6667), ('b', 0.5), ('c', 0.3333)]
    """
    totals: dict[str, list[float]] = defaultdict(list)
    everything = dict.fromkeys(hit.chunk_id for each in rankings.values() for hit in each)
    for name, found in rankings.items():
        weight = weights.get(name, 1.0)
        ranking = _with_zeros(found, everything) if found and name in whole else found
        mean, deviation = _distribution([hit.score for hit in ranking])
        for hit in ranking:
            share = 0.5 + (hit.score - mean) / (6 * deviation) if deviation else 0.5
            totals[hit.chunk_id].append(weight * share)
    return _total(totals)


def convex(
    rankings: Mapping[str, Ranking], weights: Weights, whole: Collection[str] = ()
) -> Ranking:
    """Convex combination of min-max scaled scores: Σ w · (score − min) / (max − min).

    Bruch, Gai & Ingber, TOIS 2023. Minimum and maximum are those of the branch's returned scores; a
    branch whose scores are all equal gives 1 each. A branch without a weight weighs 1.

    >>> from rag.values import Hit
    >>> fused = convex({"bm25": (Hit("a", 9.0), Hit("b", 5.0)), "dense": (Hit("b", 0.7),)}, {})
    >>> [(hit.chunk_id, hit.score) for hit in fused]
    [('a', 1.0), ('b', 1.0)]
    """
    del whole  # with its zeros as the least score, it was worse where it was tried
    totals: dict[str, list[float]] = defaultdict(list)
    for name, ranking in rankings.items():
        weight = weights.get(name, 1.0)
        scores = [hit.score for hit in ranking]
        low, high = min(scores, default=0.0), max(scores, default=0.0)
        for hit in ranking:
            share = (hit.score - low) / (high - low) if high > low else 1.0
            totals[hit.chunk_id].append(weight * share)
    return _total(totals)


def _with_zeros(ranking: Ranking, chunk_ids: Collection[str]) -> Ranking:
    there = {hit.chunk_id for hit in ranking}
    return (*ranking, *(Hit(one, 0.0) for one in chunk_ids if one not in there))


def _distribution(scores: Sequence[float]) -> tuple[float, float]:
    """Return mean and standard deviation (n − 1); of equal scores exactly 0."""
    if len(set(scores)) < 2:  # the mean of equal numbers may differ from them by rounding
        return 0.0, 0.0
    mean = math.fsum(scores) / len(scores)
    return mean, math.sqrt(math.fsum((s - mean) ** 2 for s in scores) / (len(scores) - 1))


def _total(parts: Mapping[str, list[float]]) -> Ranking:
    # fsum is exact, so the sum does not depend on the order of the branches.
    return ranked({chunk_id: math.fsum(scores) for chunk_id, scores in parts.items()})


class Fusion(Protocol):
    """Makes one ranking of the branches' ones."""

    def __call__(
        self, rankings: Mapping[str, Ranking], weights: Weights, whole: Collection[str] = ()
    ) -> Ranking:
        """Return it, given each branch's weight, and the names of those that found all there is."""
        ...


FUSIONS: Mapping[str, Fusion] = {"rrf": rrf, "dbsf": dbsf, "convex": convex}
"""Fusion by the name that settings and requests use."""


def fuse(found: Found, fusions: Mapping[str, Fusion], weights: Weights) -> Fused:
    """Return one ranking of everything that was found, by the plan's fusion.

    A single branch keeps its own scores. `weights` are those of the kinds; the branches of a kind
    share its weight (`shares`).
    """
    rankings = found.rankings
    if len(rankings) == 1:
        (ranking,) = rankings.values()
        how = "one branch"
    else:
        how = found.plan.fusion
        branches = found.plan.branches
        ranking = fusions[how](rankings, shares(branches, weights), _whole(branches, rankings))
    stage = Stage("fuse", 0.0, detail=f"{how}, {len(ranking)} chunks")
    return Fused(found.plan.query, ranking, rankings, (*found.trace, stage))


def _whole(branches: Sequence[Branch], rankings: Mapping[str, Ranking]) -> Collection[str]:
    """Return the branches that found all there is: fewer hits by words than they may fetch."""
    return {
        b.name for b in branches if b.kind == "bm25" and len(rankings.get(b.name, ())) < b.depth
    }


def shares(branches: Sequence[Branch], weights: Weights) -> Weights:
    """Return the weight of each branch: a kind weighs as much with expansions as without.

    The query's own branch has half of its kind's weight, the others share the other half by their
    own weights. Were their weights added instead, RM3 would double the weight of BM25 beside the
    vectors: nDCG@10 on DL19 passages would be .586 instead of .654.

    >>> own, other = Branch("bm25", "q", 9), Branch("bm25+rm3", "q", 9)
    >>> shares([own, other, Branch("dense", "q", 9)], {"bm25": 0.4, "dense": 0.6})
    {'bm25': 0.2, 'bm25+rm3': 0.2, 'dense': 0.6}
    """
    found = dict.fromkeys((branch.name for branch in branches), 0.0)
    for kind in {branch.kind for branch in branches}:
        whole = weights.get(kind, 1.0)
        others = [b for b in branches if b.kind == kind and b.name != kind]
        total = math.fsum(b.weight for b in others)
        theirs = (_OTHERS if kind in found else 1.0) if total else 0.0
        if kind in found:
            found[kind] = whole * (1 - theirs)
        found |= {b.name: whole * theirs * b.weight / total for b in others if total}
    return found


_OTHERS = 0.5  # chosen on the collections: docs/queries.md
