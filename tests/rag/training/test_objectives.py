"""Objectives: what must hold of each, whatever the scores; golden numbers are in their doctests."""

import math
from itertools import permutations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import BadInput
from rag.training.objectives import (
    OBJECTIVES,
    check_finite,
    dpo,
    infonce,
    lambdarank,
    listwise,
    margin_mse,
    ndcg,
    plackett_luce,
    ranknet,
    ranks,
    replug,
    soft_nearest,
)

numbers = st.floats(-8, 8, width=32)
lists = st.integers(2, 6).flatmap(
    lambda n: st.tuples(
        st.lists(numbers, min_size=n, max_size=n), st.lists(numbers, min_size=n, max_size=n)
    )
)


def leaf(values: list[float]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("name", sorted(OBJECTIVES))
@settings(deadline=None, max_examples=40)
@given(pair=lists)
def test_a_loss_is_a_number_with_a_gradient_that_numbers_confirm(
    name: str, pair: tuple[list[float], list[float]]
) -> None:
    scores, targets = leaf(pair[0]), torch.tensor(pair[1], dtype=torch.float64)
    if name == "lambdarank":
        targets = targets.round().clamp(-1, 4)
        if len(set(pair[0])) < len(pair[0]):
            return  # the order, and so the weights, jump at ties
    made = OBJECTIVES[name]
    loss = made(scores, targets)
    assert loss.shape == ()
    assert math.isfinite(loss.detach())
    assert loss.detach() >= -1e-9
    (grad,) = torch.autograd.grad(loss, scores)
    step = 1e-6
    order = scores.detach().argsort().tolist()
    for i in range(len(pair[0])):
        up, down = scores.detach().clone(), scores.detach().clone()
        up[i] += step
        down[i] -= step
        if name == "lambdarank" and not up.argsort().tolist() == down.argsort().tolist() == order:
            continue
        slope = float(made(up, targets) - made(down, targets)) / (2 * step)
        assert float(grad[i]) == pytest.approx(slope, abs=1e-4 * max(1, abs(slope)))


@pytest.mark.parametrize("name", sorted(set(OBJECTIVES) - {"margin-mse"}))
@settings(deadline=None, max_examples=20)
@given(pair=lists, data=st.data())
def test_the_order_in_which_candidates_stand_makes_no_difference(
    name: str, pair: tuple[list[float], list[float]], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(pair[0]))))
    scores, targets = torch.tensor(pair[0]).double(), torch.tensor(pair[1]).double().round()
    if name == "lambdarank" and len(set(pair[0])) < len(pair[0]):
        return
    there = OBJECTIVES[name](scores, targets)
    shuffled = OBJECTIVES[name](scores[list(order)], targets[list(order)])
    assert float(there) == pytest.approx(float(shuffled), abs=1e-9)


@pytest.mark.parametrize("name", ["ranknet", "ranknet-plain", "listnet", "listwise", "lambdarank"])
def test_following_the_gradient_puts_candidates_in_the_order_of_their_targets(name: str) -> None:
    targets = torch.tensor([0.0, 3.0, 1.0]) if name != "listwise" else torch.tensor([0, 1, 0])
    for start in permutations([-1.0, 0.0, 1.0]):
        scores = torch.tensor(start, requires_grad=True)
        for _ in range(400):
            (grad,) = torch.autograd.grad(OBJECTIVES[name](scores, targets), scores)
            scores = (scores - 0.5 * grad).detach().requires_grad_()
        assert int(scores.argmax()) == 1
        if name != "listwise":
            assert scores.argsort(descending=True).tolist() == [1, 2, 0]


def test_pairs_of_better_ranks_count_for_more_in_first() -> None:
    scores = torch.zeros(4, requires_grad=True)
    (grad,) = torch.autograd.grad(ranknet(scores, torch.tensor([4.0, 3.0, 2.0, 1.0])), scores)
    plain = ranknet(scores, torch.tensor([4.0, 3.0, 2.0, 1.0]), weighted=False)
    (even,) = torch.autograd.grad(plain, scores)
    assert abs(float(grad[0])) > 1.5 * abs(float(grad[3]))
    assert float(even[0]) == pytest.approx(-float(even[3]))


def test_where_nothing_is_better_or_relevant_nothing_is_learnt() -> None:
    scores = torch.tensor([1.0, 2.0], requires_grad=True)
    for loss in (
        ranknet(scores, torch.tensor([1.0, 1.0])),
        listwise(scores, torch.tensor([0, 0])),
        lambdarank(scores, torch.tensor([0, 0])),
    ):
        assert loss.detach() == 0
        (grad,) = torch.autograd.grad(loss, scores)
        assert grad.tolist() == [0, 0]


def test_a_relevant_candidate_does_not_stand_against_its_like() -> None:
    far = listwise(torch.tensor([5.0, -5.0, 0.0]), torch.tensor([1, 0, 0]))
    both = listwise(torch.tensor([5.0, 5.0, 0.0]), torch.tensor([1, 1, 0]))
    alone = listwise(torch.tensor([5.0, 0.0]), torch.tensor([1, 0]))
    assert float(both) == pytest.approx(float(alone))
    assert float(far) > 0


@settings(deadline=None)
@given(st.lists(numbers, min_size=2, max_size=5))
def test_one_positive_makes_soft_nearest_neighbours_of_infonce(row: list[float]) -> None:
    scores = torch.tensor([row])
    relevant = torch.zeros_like(scores, dtype=torch.bool)
    relevant[0, 0] = True
    found, wanted = soft_nearest(scores, relevant), infonce(scores, relevant)
    assert float(found) == pytest.approx(float(wanted), abs=1e-5)


def test_a_further_positive_is_no_negative_of_the_first() -> None:
    scores = torch.tensor([[0.0, 9.0, 0.0]])
    relevant = torch.tensor([[True, True, False]])
    assert float(infonce(scores, relevant)) == pytest.approx(math.log(2))
    assert float(soft_nearest(scores, relevant)) < 0.001


@settings(deadline=None)
@given(st.lists(numbers, min_size=2, max_size=4))
def test_the_chances_of_all_orders_are_one_together(scores: list[float]) -> None:
    given_ = torch.tensor(scores).double()
    chances = [math.exp(-float(plackett_luce(given_, o))) for o in permutations(range(len(scores)))]
    assert math.fsum(chances) == pytest.approx(1)


def test_a_margin_like_the_teachers_costs_nothing_whatever_its_height() -> None:
    assert float(margin_mse(torch.tensor([0.9, 0.4]), torch.tensor([7.5, 7.0]))) < 1e-9


@settings(deadline=None)
@given(lists)
def test_no_distance_is_below_zero(pair: tuple[list[float], list[float]]) -> None:
    assert float(replug(torch.tensor(pair[0]), torch.tensor(pair[1]))) >= -1e-5


def test_preferring_what_is_better_costs_less_than_before_and_the_other_way_more() -> None:
    even = float(dpo(torch.tensor(-5.0), torch.tensor(-5.0), (-5.0, -5.0)))
    assert even == pytest.approx(math.log(2))
    assert float(dpo(torch.tensor(-4.0), torch.tensor(-6.0), (-5.0, -5.0))) < even
    assert float(dpo(torch.tensor(-6.0), torch.tensor(-4.0), (-5.0, -5.0))) > even


def test_equal_targets_share_a_rank() -> None:
    assert ranks(torch.tensor([2.0, 2.0, 1.0, 3.0])).tolist() == [2, 2, 4, 1]


@settings(deadline=None)
@given(st.lists(st.tuples(numbers, st.integers(0, 3)), min_size=1, max_size=12))
def test_ndcg_is_a_share_and_whole_for_the_best_order(rows: list[tuple[float, int]]) -> None:
    gains = [float(gain) for _, gain in rows]
    assert 0 <= ndcg([score for score, _ in rows], gains) <= 1 + 1e-9
    assert ndcg(gains, gains) == pytest.approx(1)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(BadInput, match="take a lower --rate"):
        check_finite(torch.tensor(value))
