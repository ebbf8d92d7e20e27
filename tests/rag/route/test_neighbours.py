"""SKR-kNN: the published rule by hand, and a search wherever the neighbours are tied."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import BadInput
from rag.route.neighbours import Neighbours, known, route
from rag.route.silver import Outcome
from rag.values import Vector

HERE: Vector = np.array([1.0, 0.0], np.float32)


def log(near: list[int], far: list[int]) -> Neighbours:
    """Return a log with questions like `HERE`, and others at a right angle to it."""
    rows = [[1.0, 0.0]] * len(near) + [[0.0, 1.0]] * len(far)
    vectors = np.array(rows, np.float32).reshape(-1, 2)
    return Neighbours(vectors, np.array(near + far, np.int64))


@pytest.mark.parametrize(
    ("near", "far", "kind"),
    [
        # D < 0: D = −3, n = 10, t = trunc(−1.5) = −1.
        ([-1, -1, -1, 1, 1], [-1, -1, -1, 1, 0], "A"),  # d = −1: as low as a blind draw
        ([-1, -1, -1, -1, 1], [0] * 5, "A"),  # D = −3, d = −3
        ([1, 1, 1, -1, -1], [-1, -1, -1, -1, 0], "B"),  # d = +1
        # D = −9, n = 10, t = trunc(−4.5) = −4; the floor, −5, would search at d = −4.
        ([-1, -1, -1, -1, 0], [-1] * 5, "A"),  # d = −4
        ([-1, -1, -1, 0, 0], [-1, -1, -1, -1, -1], "B"),  # D = −8, t = −4, d = −3: not low enough
        # D ≥ 0: D = 9, t = trunc(4.5) = 4.
        ([1, 1, 1, 1, 0], [1] * 5, "B"),  # d = 4
        ([1, 1, 1, 0, 0], [1] * 5, "A"),  # D = 8, t = 4, d = 3: fewer than a blind draw
        ([1, 1, 1, -1, -1], [-1, 0, 0, 0, 0], "B"),  # D = 0, t = 0, d = 1
        ([-1, -1, -1, 1, 1], [1, 1, 1, 1, 1], "A"),  # D = 4, d = −1
        # Ties search, whatever the whole says.
        ([1, -1, 0, 0, 0], [-1] * 5, "B"),
        ([1, -1, 0, 0, 0], [1] * 5, "B"),
        ([0] * 5, [0] * 5, "B"),
    ],
)
def test_the_rule_is_the_published_one(near: list[int], far: list[int], kind: str) -> None:
    decided = route(HERE, log(near, far))
    assert (decided.kind, decided.by) == (kind, "neighbours")


def test_the_reason_has_the_numbers() -> None:
    decided = route(HERE, log([-1, -1, -1, 1, 1], [-1, -1, -1, 1, 0]))
    assert decided.why == "-1 of the 5 nearest, -3 of all 10"


def test_only_the_nearest_count() -> None:
    vectors = np.array([[0.0, 1.0], [0.6, 0.8], [0.8, 0.6], [1.0, 0.0]], np.float32)
    helped = np.array([-1, -1, 1, 1])
    assert route(HERE, Neighbours(vectors, helped), k=2).kind == "B"
    assert route(-HERE, Neighbours(vectors, helped), k=2).kind == "A"


def test_of_equally_near_ones_the_earlier_count() -> None:
    assert route(HERE, log([1, -1], []), k=1).kind == "B"
    assert route(HERE, log([-1, 1], []), k=1).kind == "A"
    rows = np.array([[1.0, 0.0], [0.0, 1.0]] * 100, np.float32)
    helped = np.array([1, 0, 1, 0, -1, 0, -1, 0, 1, 0] + [-1] * 20 + [0] * 170)
    assert route(HERE, Neighbours(rows, helped)).kind == "B"


def test_a_small_log_counts_whole_and_an_empty_one_says_nothing() -> None:
    assert route(HERE, log([-1, -1], [])).why == "-2 of the 2 nearest, -2 of all 2"
    decided = route(HERE, log([], []))
    assert (decided.kind, decided.by) == ("B", "default")


@given(
    st.lists(st.sampled_from([-1, 0, 1]), max_size=7),
    st.lists(st.sampled_from([-1, 0, 1]), max_size=7),
    st.integers(1, 9),
)
def test_any_log_gives_a_route_and_a_search_is_left_out_only_with_a_reason(
    near: list[int], far: list[int], k: int
) -> None:
    decided = route(HERE, log(near, far), k)
    first = (near + far)[:k]
    blind = len(first) * sum(near + far) / max(1, len(near + far))
    if decided.kind == "A":
        assert sum(first) < 0 or sum(first) < math.trunc(blind)
        assert sum(first) != 0


def test_a_log_is_made_of_outcomes() -> None:
    rights = ["A", "AB", "C", "", "B"]
    outcomes = [Outcome("q", {"A": "A" in r, "B": "B" in r, "C": "C" in r}) for r in rights]
    made = known(outcomes, np.ones((5, 2), np.float32))
    assert made.helped.tolist() == [-1, 0, 1, 0, 1]
    assert known([], np.ones((0, 2), np.float32)).helped.shape == (0,)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(BadInput, match="one row per outcome"):
        known([Outcome("q", {})], np.ones((2, 2), np.float32))
    with pytest.raises(BadInput, match="not finite: encode the questions again"):
        known([Outcome("q", {})], np.full((1, 2), np.nan, np.float32))
    with pytest.raises(BadInput, match="with the same encoder"):
        route(np.ones(3, np.float32), log([1], []))
    with pytest.raises(BadInput, match="with the same encoder"):
        route(np.full(2, np.nan, np.float32), log([1], []))
    with pytest.raises(BadInput, match="k is 0"):
        route(HERE, log([1], []), k=0)
