"""Pairs are asked once, in both orders, and what is known of them contradicts itself nowhere."""

from collections.abc import Sequence

import pytest

from rag.values import Choose, Chosen, Complete, Completed
from rerankers.comparing import WAYS, Mode
from rerankers.pairs import Pairs
from tests.rerankers.duels import numbered, shown_texts


def letters(*leans: float) -> list[Chosen]:
    return [Chosen((lean, 0.0)) for lean in leans]


def shown_in(requests: Sequence[object]) -> list[tuple[str, str]]:
    return [shown_texts(r) for r in requests if isinstance(r, Choose | Complete)]


def test_each_pair_is_asked_in_both_orders_and_only_once() -> None:
    pairs = Pairs("which?", numbered(3))
    wanted = [(2, 0), (0, 2), (1, 0)]
    requests = pairs.requests(wanted)
    assert shown_in(requests) == [("p0", "p2"), ("p2", "p0"), ("p0", "p1"), ("p1", "p0")]
    pairs.learn(wanted, letters(3.0, -1.0, 0.5, 0.5))
    assert pairs.requests(wanted) == ()
    assert shown_in(pairs.requests([(0, 1), (2, 1)])) == [("p1", "p2"), ("p2", "p1")]
    assert pairs.calls == 4


def test_margins_are_antisymmetric_and_free_of_an_additive_bias() -> None:
    pairs = Pairs("which?", numbered(3))
    wanted = [(0, 1), (0, 2)]
    pairs.learn(wanted, letters(3.0, -1.0, 0.5, 0.5))
    assert pairs.margins([(0, 1), (1, 0), (0, 2), (2, 0)]) == (2.0, -2.0, 0.0, 0.0)
    assert pairs.known() == {(0, 1): 2.0, (0, 2): 0.0}
    findings = pairs.findings()
    assert findings["pairs"] == 2
    assert findings["inconsistent"] == 1 / 2
    assert findings["position_bias"] == (1.0 + 0.5) / 2
    assert (findings["margin_mean"], findings["margin_largest"]) == (1.0, 2.0)


def test_an_order_without_any_letter_says_nothing() -> None:
    pairs = Pairs("which?", numbered(2))
    pairs.learn([(0, 1)], [Chosen((-1.0, -3.0)), Chosen((None, None))])
    assert pairs.margins([(0, 1)]) == (1.0,)
    assert (pairs.missing, pairs.malformed) == (2, 0)


@pytest.mark.parametrize(
    ("texts", "margin", "malformed"),
    [
        (("Passage A", "Passage B"), 1.0, 0),
        (("Passage B", "Passage A"), -1.0, 0),
        (("Passage A", "Passage A"), 0.0, 0),
        (("Passage A", "I cannot say"), 0.0, 1),
        (("", "both"), 0.0, 2),
    ],
)
def test_written_answers_count_where_both_orders_agree(
    texts: tuple[str, str], margin: float, malformed: int
) -> None:
    pairs = Pairs("which?", numbered(2), WAYS["generation", True])
    pairs.learn([(0, 1)], [Completed(text, 2) for text in texts])
    assert pairs.margins([(0, 1)]) == (margin,)
    assert pairs.malformed == malformed


@pytest.mark.parametrize("mode", ["scoring", "generation"])
def test_in_one_order_the_smaller_number_is_first_and_the_lean_is_the_margin(mode: Mode) -> None:
    pairs = Pairs("which?", numbered(3), WAYS[mode, True], both=False)
    assert shown_in(pairs.requests([(2, 0), (1, 2), (0, 2)])) == [("p0", "p2"), ("p1", "p2")]
    pairs.learn([(2, 0)], [Chosen((-1.0, -2.5)) if mode == "scoring" else Completed("A", 1)])
    assert pairs.margins([(2, 0)]) == ((-1.5,) if mode == "scoring" else (-1.0,))
    assert not {"inconsistent", "position_bias"} & set(pairs.findings())


def test_a_planted_circle_is_among_the_findings() -> None:
    pairs = Pairs("which?", numbered(4))
    pairs.learn([(0, 1), (1, 2), (2, 0)], letters(1.0, -1.0, 1.0, -1.0, -1.0, 1.0))
    findings = pairs.findings()
    assert findings["triads_cyclic"] == 1.0
    assert (findings["triads_one_tie"], findings["triads_two_ties"]) == (0.0, 0.0)


def test_findings_of_nothing_are_zero() -> None:
    assert set(Pairs("which?", ()).findings().values()) == {0.0}
