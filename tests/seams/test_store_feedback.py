"""Every store searches with feedback alike: nearer to what was relevant, by the same scores."""

from itertools import permutations

import numpy as np
import pytest

from rag.seams import Store
from rag.values import Condition, FeedbackProbe, Lookup, Probe, Ranking, Vector
from tests.seams.points import EAST, NORTH, numbers, point, sparse, unit

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant"),
]
RNG = np.random.default_rng(7)
POINTS = [
    point(n, {1: 1.0}, RNG.standard_normal(4).tolist(), metadata={"n": n}) for n in range(1, 41)
]
TARGET = RNG.standard_normal(4).astype(np.float32)
FEEDBACK = tuple(
    (RNG.standard_normal(4).astype(np.float32) * 2, score) for score in (0.9, 0.2, -0.5, 0.2)
)


def formula(probe: FeedbackProbe, stored: Vector) -> float:
    """The documented score of one stored vector."""
    a, b, c = probe.weights
    pairs = [
        (high - low) ** b * (_cosine(good, stored) - _cosine(bad, stored))
        for (good, high), (bad, low) in permutations(probe.feedback, 2)
        if high > low
    ]
    return a * _cosine(probe.vector, stored) + c * float(sum(pairs))


def _cosine(vector: Vector, stored: Vector) -> float:
    return float(unit(vector.tolist()) @ stored)


async def found(store: Store, probe: Probe | FeedbackProbe) -> Ranking:
    return (await store.find(Lookup((probe,))))[probe.name]


async def test_scores_are_the_formulas(store: Store) -> None:
    await store.put(POINTS)
    for weights in [(1.0, 1.0, 1.0), (0.7, 1.5, 0.3), (0.0, 2.0, 1.0), (1.0, 0.0, -0.5)]:
        for given in (4, 2, 1, 0):
            probe = FeedbackProbe("again", TARGET, 40, FEEDBACK[:given], weights)
            expected = {p.chunk.id: formula(probe, p.dense) for p in POINTS}
            got = dict(await found(store, probe))
            assert got == pytest.approx(expected, abs=1e-5), (weights, given)


async def test_without_feedback_it_is_the_search_it_was(store: Store) -> None:
    await store.put(POINTS)
    plain = await found(store, Probe("dense", TARGET, 9))
    again = await found(store, FeedbackProbe("again", TARGET, 9, ()))
    assert numbers(again) == numbers(plain)
    assert len(again) == 9


async def test_what_is_like_the_relevant_comes_nearer(store: Store) -> None:
    await store.put([point(1, {}, EAST), point(2, {}, NORTH), point(3, {}, (0.8, 0.0, 0.6, 0.0))])
    near_east = unit((0.9, 0.1, 0.0, 0.0))
    before = await found(store, Probe("dense", near_east, 3))
    feedback = ((unit(NORTH), 1.0), (unit(EAST), 0.0))
    after = await found(store, FeedbackProbe("again", near_east, 3, feedback))
    assert (numbers(before), numbers(after)) == ([1, 3, 2], [2, 3, 1])


async def test_the_tenant_the_filter_and_the_depth_hold_and_ties_go_by_id(store: Store) -> None:
    same = [point(n, {}, EAST, metadata={"n": n}) for n in (5, 4, 3, 2, 1)]
    await store.put([*same, point(6, {}, EAST, tenant="other", metadata={"n": 1})])
    probe = FeedbackProbe("again", unit(EAST), 3, ((unit(EAST), 1.0), (unit(NORTH), 0.0)))
    where = (Condition("metadata.n", "lte", 2),)
    rankings = [await store.find(Lookup((probe,), where=chosen)) for chosen in ((), where)]
    deep = await store.find(Lookup((FeedbackProbe("a", unit(EAST), 9, probe.feedback),)))
    assert len(rankings[0]["again"]) == 3
    assert numbers(rankings[1]["again"]) == [1, 2]
    assert numbers(deep["a"]) == [1, 2, 3, 4, 5]


async def test_it_goes_together_with_other_probes(store: Store) -> None:
    await store.put(POINTS)
    again = FeedbackProbe("again", TARGET, 5, FEEDBACK)
    probes = (Probe("bm25", sparse({1: 1.0}), 4), again, Probe("dense", TARGET, 3))
    rankings = await store.find(Lookup(probes))
    assert {name: len(ranking) for name, ranking in rankings.items()} == {
        "bm25": 4,
        "again": 5,
        "dense": 3,
    }
    best = max(POINTS, key=lambda p: formula(again, p.dense))
    assert rankings["again"][0].chunk_id == best.chunk.id
