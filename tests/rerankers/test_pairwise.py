"""Pairwise ranking from end to end: an oracle's order, no order where nothing is known."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise as neighbours

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.flows import Budget
from rag.llms.scripted import ScriptedLLM
from rag.values import Chosen
from rerankers.comparing import Mode
from rerankers.demonstrations import Demonstration
from rerankers.ordering import Ordering, by_score
from rerankers.pairwise import Merge, Schedule, llm_rankfusion, pairwise, win_probabilities
from rerankers.sorting import CHUNK, Pair, allpair, heapsort, sliding
from tests.rerankers.duels import Taste, by_worth, duelling, numbered, run, shown_texts, worth

SCHEDULES: Mapping[str, Schedule] = {"allpair": allpair, "heapsort": heapsort, "sliding": sliding}
MODES: tuple[Mode, ...] = ("scoring", "generation")
every_schedule = pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
every_mode = pytest.mark.parametrize("mode", MODES)
either = pytest.mark.parametrize("forced", [True, False])


def biased(bias: float, taste: Taste = by_worth) -> ScriptedLLM:
    return duelling(lambda first, second: taste(first, second) + bias)


def borda(orders: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Points for each order are the passages behind; ties by number."""
    return by_score([-float(sum(o.index(i) for o in orders)) for i in range(len(orders[0]))])


def is_sound(found: Ordering, n: int) -> bool:
    scores = [found.scores[i] for i in found.order] if found.scores else []
    return (
        sorted(found.order) == list(range(n))
        and all(a >= b for a, b in neighbours(scores))
        and all(map(math.isfinite, (*scores, *found.findings.values())))
    )


@every_schedule
@every_mode
@either
@pytest.mark.parametrize("both", [True, False])
@pytest.mark.parametrize("n", [0, 1, 2, 14])
def test_a_model_that_knows_nothing_leaves_the_first_stage(
    schedule: Schedule, mode: Mode, forced: bool, both: bool, n: int
) -> None:
    llm = duelling(lambda _first, _second: 0.0)
    ranker = pairwise("which?", numbered(n), schedule, mode=mode, forced=forced, both=both)
    found = run(ranker, llm).result
    assert found.order == tuple(range(n))
    assert is_sound(found, n)
    assert bool(llm.history) == (n > 1)


@every_schedule
@every_mode
@pytest.mark.parametrize("bias", [-50.0, 50.0])
def test_a_model_that_only_has_a_favourite_letter_leaves_it_too(
    schedule: Schedule, mode: Mode, bias: float
) -> None:
    llm = duelling(lambda _first, _second: bias)
    found = run(pairwise("which?", numbered(14), schedule, mode=mode), llm).result
    assert found.order == tuple(range(14))
    assert found.findings["inconsistent"] == 1.0
    assert math.copysign(1.0, found.findings["position_bias"]) == math.copysign(1.0, bias)


@every_schedule
def test_a_bias_to_a_letter_changes_no_order(schedule: Schedule) -> None:
    texts = numbered(30)
    plain = run(pairwise("which?", texts, schedule), biased(0.0)).result
    tilted = run(pairwise("which?", texts, schedule), biased(2.5)).result
    assert tilted.order == plain.order
    assert plain.order[:10] == by_score([worth(text) for text in texts])[:10]
    assert plain.findings["position_bias"] == pytest.approx(0.0, abs=1e-9)
    assert tilted.findings["position_bias"] == pytest.approx(2.5)
    assert plain.findings["inconsistent"] == 0.0 < tilted.findings["inconsistent"]


def test_in_one_order_the_bias_stays_and_the_price_is_half() -> None:
    llm = biased(50.0)
    found = run(pairwise("which?", numbered(9), allpair, both=False), llm).result
    assert found.order == tuple(range(9))
    assert len(llm.history) == 9 * 8 // 2
    assert run(pairwise("which?", numbered(9), allpair, both=False), biased(0.0)).result.order == (
        by_score([worth(text) for text in numbered(9)])
    )


@every_schedule
@every_mode
@either
@settings(deadline=None, max_examples=12)
@given(st.integers(0, 25).flatmap(lambda n: st.permutations(range(n))))
def test_an_oracle_puts_the_true_best_ten_first(
    schedule: Schedule, mode: Mode, forced: bool, best: list[int]
) -> None:
    place = {f"p{i}": at for at, i in enumerate(best)}
    llm = duelling(lambda first, second: float(place[second] - place[first]))
    found = run(pairwise("which?", numbered(len(best)), schedule, mode=mode, forced=forced), llm)
    assert list(found.result.order[:10]) == best[:10]
    assert is_sound(found.result, len(best))
    assert found.error is None


@every_schedule
@every_mode
@settings(deadline=None, max_examples=12)
@given(st.integers(0, 16), st.integers(0, 300))
def test_a_budget_that_ends_leaves_a_permutation_and_asks_no_more(
    schedule: Schedule, mode: Mode, n: int, calls: int
) -> None:
    llm = biased(0.5)
    driven = run(pairwise("which?", numbered(n), schedule, mode=mode), llm, Budget(calls))
    assert is_sound(driven.result, n)
    assert len(llm.history) <= calls
    assert driven.cost.calls == len(llm.history)


@pytest.mark.parametrize("schedule", [allpair, partial(heapsort, k=99), partial(sliding, k=99)])
@settings(deadline=None, max_examples=12)
@given(st.lists(st.sampled_from(["p1", "p2", "p3"]), max_size=12))
def test_equal_texts_stay_in_the_order_of_the_first_stage(
    schedule: Schedule, texts: list[str]
) -> None:
    found = run(pairwise("which?", texts, schedule), biased(0.7)).result
    assert found.order == by_score([worth(text) for text in texts])
    assert is_sound(found, len(texts))


@pytest.mark.parametrize("n", [0, 1, 2, 40])
def test_allpair_asks_n_times_n_minus_one_prompts(n: int) -> None:
    llm = biased(0.0)
    run(pairwise("which?", numbered(n), allpair), llm)
    assert len(llm.history) == len(set(llm.history)) == n * max(0, n - 1)


def test_sliding_asks_1890_prompts_at_most_and_fewer_where_pairs_meet_again() -> None:
    """In the reverse of the true order each pass carries another passage past all others."""
    reverse = duelling(lambda first, second: float(int(first[1:]) - int(second[1:])))
    driven = run(pairwise("which?", numbered(100), sliding), reverse)
    assert driven.cost.calls == len(set(reverse.history)) == 2 * sum(99 - i for i in range(10))
    assert driven.cost.depth == 108
    assert driven.result.order[:10] == tuple(range(99, 89, -1))

    right = duelling(lambda first, second: float(int(second[1:]) - int(first[1:])))
    driven = run(pairwise("which?", numbered(100), sliding), right)
    assert driven.cost.calls == 2 * 99


@settings(deadline=None, max_examples=20)
@given(st.integers(2, 60).flatmap(lambda n: st.permutations(range(n))))
def test_heapsort_asks_no_more_than_its_bound(best: list[int]) -> None:
    n = len(best)
    llm = duelling(lambda a, b: float(best[int(a[1:])] - best[int(b[1:])]))
    run(pairwise("which?", numbered(n), heapsort), llm)
    assert len(llm.history) <= 2 * (2 * n + 2 * min(n, 10) * math.log2(n))


@every_schedule
def test_demonstrations_stand_in_every_prompt_in_both_orders(schedule: Schedule) -> None:
    llm = biased(0.0)
    demonstration = Demonstration("why?", "because", "no idea")
    run(pairwise("which?", numbered(5), schedule, demonstrations=[demonstration]), llm)
    for request in llm.history:
        contents = [message.content for message in request.prompt]
        assert len(contents) == 6
        assert "Passage A: because\n\nPassage B: no idea" in contents[0]
        assert "Passage A: no idea\n\nPassage B: because" in contents[2]
        assert (contents[1], contents[3]) == ("Passage A", "Passage B")
        assert shown_texts(request) < ("p9",)


def test_missing_letters_and_unreadable_texts_are_counted() -> None:
    silent = ScriptedLLM(choose=lambda _: Chosen((None, math.nan)), complete=lambda _: "Hm.")
    found = run(pairwise("which?", numbered(4), allpair), silent).result
    assert (found.order, found.missing, found.malformed) == ((0, 1, 2, 3), 2 * 12, 0)
    found = run(pairwise("which?", numbered(4), allpair, mode="generation"), silent).result
    assert (found.order, found.missing, found.malformed) == ((0, 1, 2, 3), 0, 12)


def test_a_circle_is_found_and_the_scores_share_what_it_contradicts() -> None:
    """0 beats 1, 1 beats 2, 2 beats 0 by far: equal points, yet 2 wins most probability."""
    won = {("p0", "p1"): 1.0, ("p1", "p2"): 1.0, ("p2", "p0"): 9.0}
    llm = duelling(lambda a, b: won.get((a, b), -won.get((b, a), 0.0)))
    found = run(pairwise("which?", numbered(3), allpair), llm).result
    assert found.order == (0, 1, 2)
    assert found.findings["triads_cyclic"] == 1.0
    assert found.scores == pytest.approx((0.5, 0.5, 0.5))


def test_scores_are_the_mean_probability_to_win_and_hold_for_any_number() -> None:
    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    found = run(pairwise("which?", numbered(3), allpair), biased(0.3)).result
    w = [worth(text) for text in numbered(3)]
    assert found.scores == pytest.approx(
        [sum(sigmoid(w[i] - w[j]) for j in range(3) if j != i) / 2 for i in range(3)]
    )
    twice = run(pairwise("which?", numbered(21), allpair), biased(0.3)).result
    more = run(pairwise("which?", numbered(42), allpair), biased(0.3)).result
    assert twice.scores == pytest.approx(more.scores[:21], abs=0.02)


def test_scores_are_left_out_where_pairs_were_not_compared() -> None:
    assert run(pairwise("which?", numbered(30), sliding), biased(0.0)).result.scores == ()
    cut = run(pairwise("which?", numbered(30), allpair), biased(0.0), Budget(calls=600))
    assert cut.result.scores == ()
    assert cut.error is not None


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), st.permutations(range(3)))
def test_scores_never_rise_along_whatever_order(margins: list[float], order: list[int]) -> None:
    pairs: list[Pair] = [(0, 1), (0, 2), (1, 2)]
    scores = win_probabilities(order, dict(zip(pairs, margins, strict=True)))
    along = [scores[i] for i in order]
    assert along == sorted(along, reverse=True)
    assert all(0 <= score <= 1 for score in along)
    assert sum(along) == pytest.approx(1.5)


@every_mode
@pytest.mark.parametrize("n", [0, 1, 2, 13])
def test_the_fusion_costs_what_allpair_costs_alone(mode: Mode, n: int) -> None:
    llm = biased(0.0)
    driven = run(llm_rankfusion("which?", numbered(n), borda, mode=mode), llm)
    found = driven.result
    assert driven.cost.depth == math.ceil(n * (n - 1) / 2 / CHUNK)
    assert len(llm.history) == len(set(llm.history)) == n * max(0, n - 1)
    assert found.order[:10] == by_score([worth(text) for text in numbered(n)])[:10]
    assert is_sound(found, n)


def test_the_fusion_merges_one_order_per_schedule() -> None:
    merged: list[Sequence[Sequence[int]]] = []

    def last(orders: Sequence[Sequence[int]]) -> tuple[int, ...]:
        merged.append(orders)
        return tuple(orders[-1][:2])

    llm, texts = biased(0.0), numbered(15)
    found = run(llm_rankfusion("which?", texts, last), llm).result
    alone = [
        run(pairwise("which?", texts, s), llm).result.order for s in (allpair, sliding, heapsort)
    ]
    assert merged == [alone]
    assert found.order == (*alone[2][:2], *(i for i in range(15) if i not in alone[2][:2]))


@pytest.mark.parametrize("merge", [borda])
@settings(deadline=None, max_examples=25)
@given(n=st.integers(0, 16), calls=st.integers(0, 300))
def test_a_fusion_that_is_cut_short_leaves_a_permutation(merge: Merge, n: int, calls: int) -> None:
    llm = biased(0.5)
    ranker = llm_rankfusion("which?", numbered(n), merge, (sliding, heapsort, allpair))
    driven = run(ranker, llm, Budget(calls))
    assert is_sound(driven.result, n)
    assert len(llm.history) <= calls


def test_a_fusion_that_is_cut_short_merges_only_what_came_to_its_end() -> None:
    texts = numbered(30)
    llm = biased(0.0)
    whole = run(pairwise("which?", texts, sliding), llm)
    budget = Budget(whole.cost.calls)
    fused = run(llm_rankfusion("which?", texts, borda, (sliding, allpair)), llm, budget)
    assert fused.result.order == whole.result.order
    assert fused.error is not None
    first = run(llm_rankfusion("which?", texts, borda, (allpair, sliding)), llm, Budget(600))
    cut = run(pairwise("which?", texts, allpair), llm, Budget(600))
    assert first.result.order == cut.result.order != tuple(range(30))
