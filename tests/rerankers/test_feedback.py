"""A query moves towards what a reranker prefers, as far as the formulas say."""

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.values import Vector
from rerankers.feedback import Loss, kl, moved, ranknet, reassigned

LOSSES: tuple[Literal["kl", "ranknet"], ...] = ("kl", "ranknet")
EITHER = pytest.mark.parametrize("loss", LOSSES)
TOPIC = 10
"""Every tenth text of the toy corpus is about what is asked."""


def unit(rows: np.typing.NDArray[np.float64]) -> Vector:
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / length, np.float32)


def toy(seed: int, dimension: int = 32, size: int = 500) -> tuple[Vector, Vector]:
    """A corpus and a query that is more or less about its topic."""
    rng = np.random.default_rng(seed)
    topic = unit(rng.standard_normal(dimension))
    noise = rng.standard_normal((size + 1, dimension)) / np.sqrt(dimension)
    about = (np.arange(size) % TOPIC == 0)[:, None] * 0.6 * topic
    return unit(noise[:size] + about), unit(noise[size] + 0.3 * topic)


def nearest(corpus: Vector, query: Vector, k: int) -> np.typing.NDArray[np.int64]:
    return np.argsort(-(corpus @ query), kind="stable")[:k]


@pytest.mark.parametrize(("weighted", "golden"), [(True, 0.230855), (False, 0.719127)])
def test_ranknet_has_the_golden_values_of_first(weighted: bool, golden: float) -> None:
    for teacher in ([3.0, 2.0, 1.0], [0.9, 0.1, -7.0]):
        found, _ = ranknet(np.array([0.3, 2.0, -1.0]), np.array(teacher), weighted=weighted)
        assert found == pytest.approx(golden, abs=1e-6)


def test_kl_is_the_sum_over_the_teachers_distribution() -> None:
    teacher, ours = np.array([0.7, 0.2, 0.1]), np.array([0.5, 0.25, 0.25])
    expected = sum(t * np.log(t / o) for t, o in zip(teacher, ours, strict=True))
    assert kl(np.log(ours) + 5, np.log(teacher) - 3)[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    "loss", [kl, ranknet, lambda s, t: ranknet(s, t, weighted=False)], ids=["kl", "rn", "plain"]
)
@given(
    scores=st.lists(st.floats(-5, 5), min_size=5, max_size=5),
    teacher=st.lists(st.integers(-3, 3).map(float), min_size=5, max_size=5),
)
@settings(max_examples=30, deadline=None)
def test_gradients_are_finite_differences(
    loss: Loss, scores: list[float], teacher: list[float]
) -> None:
    at, wanted, step = np.array(scores), np.array(teacher), 1e-5
    _, gradient = loss(at, wanted)
    for i, along in enumerate(np.eye(5) * step):
        slope = (loss(at + along, wanted)[0] - loss(at - along, wanted)[0]) / (2 * step)
        assert gradient[i] == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_kl_falls_with_every_step_on_a_toy_corpus(seed: int) -> None:
    corpus, query = toy(seed)
    found = nearest(corpus, query, 50)
    losses = np.array(moved(query, corpus[found], 3.0 * (found % TOPIC == 0)).losses)
    assert len(losses) == 101
    assert (np.diff(losses) < 1e-9).all()
    assert losses[-1] < losses[0] / 3


@EITHER
@pytest.mark.parametrize("seed", range(5))
def test_a_second_retrieval_recalls_no_less(loss: Literal["kl", "ranknet"], seed: int) -> None:
    corpus, query = toy(seed)
    found = nearest(corpus, query, 50)
    teacher = 3.0 * (found % TOPIC == 0)
    again = nearest(corpus, moved(query, corpus[found], teacher, loss).vector, 50)
    assert (again % TOPIC == 0).sum() > (found % TOPIC == 0).sum()


@EITHER
def test_the_moved_query_has_length_one(loss: Literal["kl", "ranknet"]) -> None:
    corpus, query = toy(0)
    result = moved(query, corpus[:9], list(range(9)), loss)
    assert result.vector.dtype == np.float32
    assert np.linalg.norm(result.vector) == pytest.approx(1)


@EITHER
@pytest.mark.parametrize("count", [0, 1, 7])
def test_a_teacher_who_knows_no_difference_moves_nothing(
    loss: Literal["kl", "ranknet"], count: int
) -> None:
    corpus, query = toy(1)
    result = moved(query, corpus[:count], [0.5] * count, loss)
    assert result.vector == pytest.approx(query, abs=1e-6)
    assert sum(result.losses) == pytest.approx(0, abs=1e-9)


@EITHER
def test_passages_of_one_text_move_nothing_and_divide_by_nothing(
    loss: Literal["kl", "ranknet"],
) -> None:
    corpus, query = toy(2)
    result = moved(query, np.repeat(corpus[:1], 4, axis=0), [3, 2, 1, 0], loss)
    assert np.isfinite(result.vector).all()
    assert result.vector @ query > 0.99
    assert result.losses[0] == pytest.approx(result.losses[-1])


def test_ranknet_reads_only_the_order_and_the_range() -> None:
    corpus, query = toy(3)
    one = moved(query, corpus[:3], [4.0, 3.5, 1.0], "ranknet").vector
    same = moved(query, corpus[:3], [4.0, 1.1, 1.0], "ranknet").vector
    assert one == pytest.approx(same, abs=1e-7)


def test_the_scale_is_the_range_of_the_teacher_over_that_of_the_query() -> None:
    axes = np.eye(3, dtype=np.float32)
    query = unit(np.array([3.0, 2.0, 1.0]))
    first = moved(query, axes, [5.0, 1.0, 0.0], steps=0).losses[0]
    half = 5.0 / float(np.ptp(query)) / 2
    assert first == pytest.approx(
        kl(half * query.astype(np.float64), np.array([5.0, 1.0, 0.0]))[0], rel=1e-5
    )


def test_an_order_takes_over_the_scores_it_is_given() -> None:
    assert reassigned((), ()) == ()
    assert reassigned((1, 2, 0), (3.0, 9.0, 5.0)) == (3.0, 9.0, 5.0)


def test_adam_first_steps_by_its_rate_along_each_axis() -> None:
    axes = np.eye(2, dtype=np.float32)
    query = np.array([0.8, 0.6], np.float32)
    result = moved(query, axes, [0.0, 1.0], steps=1, rate=0.1)
    assert result.vector == pytest.approx(unit(np.array([0.7, 0.7])), abs=1e-5)
