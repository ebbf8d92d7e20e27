"""A ranking moves beliefs the way TrueSkill says."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rerankers.skill import NOISE, Belief, learned, normal_below, shift, shrink

BELIEFS = st.builds(Belief, st.floats(0, 50), st.floats(0.5, 10))


def test_a_win_between_equals_moves_both_as_in_the_published_example() -> None:
    equal = Belief(25.0, 25 / 3)
    winner, loser = learned([equal, equal], ((0,), (1,))).values()
    assert winner.mean == pytest.approx(29.20520, abs=1e-4)
    assert loser.mean == pytest.approx(20.79480, abs=1e-4)
    assert winner.deviation == loser.deviation == pytest.approx(7.19448, abs=1e-4)


@given(BELIEFS, BELIEFS)
@settings(deadline=None)
def test_two_passages_follow_the_closed_formula(a: Belief, b: Belief) -> None:
    spread = math.sqrt(a.deviation**2 + b.deviation**2 + 2 * NOISE**2)
    t = (a.mean - b.mean) / spread
    won, lost = learned([a, b], ((0,), (1,))).values()
    assert won.mean == pytest.approx(a.mean + a.deviation**2 / spread * shift(t), abs=1e-6)
    assert lost.mean == pytest.approx(b.mean - b.deviation**2 / spread * shift(t), abs=1e-6)
    narrowed = 1 - a.deviation**2 / spread**2 * shrink(t)
    assert won.deviation == pytest.approx(a.deviation * math.sqrt(narrowed), abs=1e-6)


def test_a_chain_agrees_with_drawing_many_skills() -> None:
    beliefs = [Belief(20.0, 6.0), Belief(25.0, 8.0), Belief(22.0, 4.0)]
    chance = np.random.default_rng(0)
    skills = chance.normal(
        [b.mean for b in beliefs], [b.deviation for b in beliefs], (1_000_000, 3)
    )
    shown = skills + chance.normal(0, NOISE, skills.shape)
    agrees = (shown[:, 0] > shown[:, 1]) & (shown[:, 1] > shown[:, 2])
    new = learned(beliefs, ((0,), (1,), (2,)))
    for i in range(3):
        assert new[i].mean == pytest.approx(skills[agrees, i].mean(), abs=0.1)
        assert new[i].deviation == pytest.approx(skills[agrees, i].std(), abs=0.1)


@given(st.lists(BELIEFS, min_size=1, max_size=6))
def test_a_single_level_teaches_nothing(beliefs: list[Belief]) -> None:
    level = tuple(range(len(beliefs)))
    assert learned(beliefs, (level,)) == dict(enumerate(beliefs))


def test_passages_that_tie_are_told_apart_from_the_others_only() -> None:
    new = learned([Belief(25.0, 8.0)] * 4, ((2,), (0, 1, 3)))
    assert new[0] == new[1] == new[3]
    assert new[0].mean < 25.0 < new[2].mean


@given(st.lists(BELIEFS, min_size=2, max_size=8))
@settings(deadline=None, max_examples=50)
def test_what_is_learned_is_finite_and_narrower(beliefs: list[Belief]) -> None:
    new = learned(beliefs, tuple((i,) for i in range(len(beliefs))))
    for i, before in enumerate(beliefs):
        assert math.isfinite(new[i].mean)
        assert 0 < new[i].deviation < before.deviation + 1e-9


def test_equals_stand_as_ranked() -> None:
    new = learned([Belief(25.0, 8.0)] * 20, tuple((i,) for i in range(20)))
    assert all(a.mean > b.mean for a, b in pairwise(new[i] for i in range(20)))


def test_the_tails_of_v_and_w_are_smooth() -> None:
    for t in (-29.999, -30.001):
        assert shift(t) == pytest.approx(-t - 1 / t, abs=1e-3)
        assert shrink(t) == pytest.approx(1 - 1 / t**2, abs=1e-3)
    assert 0 < shrink(-500.0) <= 1
    assert shift(40.0) == pytest.approx(0.0, abs=1e-12)


def test_the_normal_distribution_is_pythons() -> None:
    from statistics import NormalDist

    for x in (-5.0, -1.0, 0.3, 4.0):
        assert normal_below(x) == pytest.approx(NormalDist().cdf(x))
        assert Belief(2.0, 3.0).above(x) == pytest.approx(1 - NormalDist(2, 3).cdf(x))
