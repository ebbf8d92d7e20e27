"""Contradictions are counted as they were planted, and as one would count them by hand."""

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rerankers.consistency import (
    Triads,
    antisymmetric,
    bias,
    inconsistency,
    matrix,
    most_cyclic,
    triads,
)

Margins = dict[tuple[int, int], float]


def some_margins(n: int) -> st.SearchStrategy[Margins]:
    """Margins of some pairs of n passages, in either order."""
    pairs = list(combinations(range(n), 2))
    margin = st.none() | st.sampled_from([-2.0, -1.0, 0.0, 1.0, 3.0])
    turned = st.booleans()
    return st.lists(st.tuples(margin, turned), min_size=len(pairs), max_size=len(pairs)).map(
        lambda drawn: {
            (pair[::-1] if back else pair): m
            for pair, (m, back) in zip(pairs, drawn, strict=True)
            if m is not None
        }
    )


def by_hand(n: int, margins: Margins) -> Triads:
    """Count as the definitions say it, one triad after the other."""
    of = margins | {(j, i): -m for (i, j), m in margins.items()}
    known = [t for t in combinations(range(n), 3) if all(p in of for p in permutations(t, 2))]

    def fits(triad: tuple[int, ...], last: str) -> bool:
        for i, j, k in permutations(triad):
            chain = of[i, j] > 0 and of[j, k] > 0
            if last == "cyclic" and chain and of[k, i] > 0:
                return True
            if last == "one tie" and chain and of[i, k] == 0:
                return True
            if last == "two ties" and of[i, j] == 0 and of[j, k] == 0 and of[i, k] > 0:
                return True
        return False

    shapes = ("cyclic", "one tie", "two ties")
    return Triads(len(known), *(sum(fits(t, shape) for t in known) for shape in shapes))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 7).flatmap(lambda n: st.tuples(st.just(n), some_margins(n))))
def test_triads_are_counted_as_by_hand(case: tuple[int, Margins]) -> None:
    n, margins = case
    assert triads(antisymmetric(n, margins)) == by_hand(n, margins)


def test_a_planted_circle_among_a_hundred_is_found() -> None:
    margins = dict.fromkeys(combinations(range(100), 2), 1.0)
    assert triads(antisymmetric(100, margins)) == Triads(known=161_700)
    margins[10, 12] = -1.0  # 10 beats 11, 11 beats 12, 12 beats 10
    assert triads(antisymmetric(100, margins)) == Triads(known=161_700, cyclic=1)
    margins[10, 12] = 0.0
    assert triads(antisymmetric(100, margins)) == Triads(known=161_700, one_tie=1)


def test_one_preference_among_ties_contradicts_with_every_other_passage() -> None:
    margins = dict.fromkeys(combinations(range(6), 2), 0.0) | {(0, 1): 1.0}
    assert triads(antisymmetric(6, margins)) == Triads(known=20, two_ties=4)


@pytest.mark.parametrize("n", [3, 5, 7, 9])
def test_the_rotational_tournament_has_the_most_circles(n: int) -> None:
    """Each beats the (n − 1)/2 that follow it around a circle (Kendall and Babington Smith)."""
    margins = {(i, (i + step) % n): 1.0 for i in range(n) for step in range(1, n // 2 + 1)}
    assert triads(antisymmetric(n, margins)).cyclic == most_cyclic(n)


@pytest.mark.parametrize("n", [4, 6])
@settings(deadline=None, max_examples=40)
@given(st.data())
def test_no_tournament_has_more(n: int, data: st.DataObject) -> None:
    margins = {p: 1.0 if data.draw(st.booleans()) else -1.0 for p in combinations(range(n), 2)}
    assert triads(antisymmetric(n, margins)).cyclic <= most_cyclic(n)


def test_a_letter_that_wins_twice_is_inconsistent_and_its_lean_is_the_bias() -> None:
    leans = matrix(3, {(0, 1): 3.0, (1, 0): 1.0, (0, 2): 4.0, (2, 0): -2.0, (1, 2): 9.0})
    assert inconsistency(leans) == 1 / 2
    assert bias(leans) == (2.0 + 1.0) / 2


def test_nothing_known_is_no_contradiction() -> None:
    nothing = matrix(2, {})
    assert np.isnan(nothing).all()
    assert (inconsistency(nothing), bias(nothing)) == (0.0, 0.0)
    assert triads(nothing) == triads(matrix(0, {})) == Triads()
