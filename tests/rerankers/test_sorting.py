"""Schedules: an oracle's best come first, ties move nothing, the price is the formula's."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import BudgetExceeded
from rerankers.sorting import Pair, PairSchedule, allpair, heapsort, sliding

SCHEDULES: dict[str, Callable[[int], PairSchedule]] = {
    "allpair": allpair,
    "allpair in small chunks": partial(allpair, chunk=3),
    "heapsort": heapsort,
    "heapsort of all": partial(heapsort, k=99),
    "sliding": sliding,
    "sliding one by one": partial(sliding, wavefront=False),
    "sliding over all": partial(sliding, k=99),
}
every_schedule = pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)


class Judged:
    """A schedule run to its end, or until it may not ask any more."""

    def __init__(
        self,
        schedule: PairSchedule,
        margin: Callable[[int, int], float],
        steps: float = math.inf,
    ) -> None:
        self.batches: list[Sequence[Pair]] = []
        try:
            wanted = next(schedule)
            while len(self.batches) < steps:
                self.batches.append(wanted)
                wanted = schedule.send([margin(i, j) for i, j in wanted])
            schedule.throw(BudgetExceeded("no more"))
            raise AssertionError("it asked again")
        except StopIteration as stop:
            self.order: tuple[int, ...] = stop.value

    @property
    def compared(self) -> Counter[Pair]:
        return Counter(pair for batch in self.batches for pair in batch)

    @property
    def comparisons(self) -> int:
        return self.compared.total()


def tied(i: int, j: int) -> float:
    return 0.0 * (i + j)


def arbitrary(n: int) -> st.SearchStrategy[Callable[[int, int], float]]:
    """Margins without any sense: circles, ties, contradictions, but antisymmetric."""
    pairs = list(combinations(range(n), 2))
    drawn = st.lists(st.sampled_from([-1.0, 0.0, 2.0]), min_size=len(pairs), max_size=len(pairs))

    def margin(margins: list[float]) -> Callable[[int, int], float]:
        of = dict(zip(pairs, margins, strict=True))
        return lambda i, j: of[i, j] if i < j else -of[j, i]

    return drawn.map(margin)


CASES = st.integers(0, 25).flatmap(lambda n: st.tuples(st.just(n), arbitrary(n)))
Case = tuple[int, Callable[[int, int], float]]


@every_schedule
@pytest.mark.parametrize("n", [0, 1, 2, 3, 10, 11, 12, 33])
def test_ties_leave_the_order_of_the_first_stage(
    schedule: Callable[[int], PairSchedule], n: int
) -> None:
    assert Judged(schedule(n), tied).order == tuple(range(n))


@every_schedule
@settings(deadline=None, max_examples=30)
@given(st.integers(0, 25).flatmap(lambda n: st.permutations(range(n))))
def test_an_oracle_puts_its_best_ten_first(
    schedule: Callable[[int], PairSchedule], best: list[int]
) -> None:
    place = {i: at for at, i in enumerate(best)}
    judged = Judged(schedule(len(best)), lambda i, j: float(place[j] - place[i]))
    assert sorted(judged.order) == list(range(len(best)))
    assert list(judged.order[:10]) == best[:10]


@every_schedule
@settings(deadline=None, max_examples=30)
@given(CASES, st.integers(0, 60))
def test_any_margins_and_any_end_leave_a_permutation(
    schedule: Callable[[int], PairSchedule], case: Case, steps: int
) -> None:
    n, margin = case
    whole = Judged(schedule(n), margin)
    cut = Judged(schedule(n), margin, steps)
    assert sorted(whole.order) == sorted(cut.order) == list(range(n))
    assert whole.order == Judged(schedule(n), margin).order
    for batch in whole.batches:
        assert batch
        assert all(i != j for i, j in batch)


@settings(deadline=None, max_examples=100)
@given(CASES, st.integers(0, 12))
def test_the_wavefront_makes_the_same_swaps_in_fewer_steps(case: Case, k: int) -> None:
    n, margin = case
    plain = Judged(sliding(n, k, wavefront=False), margin)
    front = Judged(sliding(n, k), margin)
    passes = min(k, max(0, n - 1))
    assert front.order == plain.order
    assert front.compared == plain.compared
    assert len(front.batches) == (n + passes - 2 if passes else 0)
    assert max(map(len, front.batches), default=0) <= passes
    for batch in front.batches:
        together = [i for pair in batch for i in pair]
        assert len(set(together)) == len(together)


@pytest.mark.parametrize(("n", "k"), [(100, 10), (100, 1), (12, 99), (2, 10), (1, 10), (0, 3)])
def test_sliding_makes_as_many_comparisons_as_the_formula(n: int, k: int) -> None:
    wanted = sum(n - 1 - i for i in range(min(k, max(0, n - 1))))
    assert Judged(sliding(n, k), tied).comparisons == wanted
    assert Judged(sliding(n, k, wavefront=False), tied).comparisons == wanted


def test_sliding_ten_passes_over_a_hundred_are_945_comparisons_in_108_steps() -> None:
    judged = Judged(sliding(100, 10), tied)
    assert (judged.comparisons, len(judged.batches)) == (1_890 // 2, 108)


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 60).flatmap(lambda n: st.permutations(range(n))), st.integers(0, 60))
def test_a_heap_needs_no_more_comparisons_than_its_bound(best: list[int], k: int) -> None:
    n = len(best)
    judged = Judged(heapsort(n, k), lambda i, j: float(best[i] - best[j]))
    assert judged.comparisons <= 2 * n + 2 * min(k, n) * math.log2(n)
    assert list(judged.order[k:]) == sorted(judged.order[k:])


def test_a_heap_of_ties_does_not_bring_up_the_tail() -> None:
    """A heap without the number as its last word returned 0, 11, 10, 9, 8 here."""
    assert Judged(heapsort(12, 5), tied).order == tuple(range(12))


@pytest.mark.parametrize("n", [0, 1, 2, 30])
def test_allpair_compares_every_pair_once(n: int) -> None:
    judged = Judged(allpair(n, 64), tied)
    asked = [pair for batch in judged.batches for pair in batch]
    assert len(asked) == n * (n - 1) // 2
    assert set(asked) == set(combinations(range(n), 2))
    assert all(len(batch) <= 64 for batch in judged.batches)


def test_allpair_orders_by_copeland_points() -> None:
    """1 beats all, 2 ties with 0, 3 beats 2: points 1.5, 3, 0.5, 1."""
    of = {(0, 1): -1.0, (0, 2): 0.0, (0, 3): 5.0, (1, 2): 1.0, (1, 3): 1.0, (2, 3): -1.0}
    assert Judged(allpair(4), lambda i, j: of[i, j]).order == (1, 0, 3, 2)


def test_an_early_end_of_allpair_knows_the_head() -> None:
    """Six pairs are all those of the first four passages."""
    judged = Judged(allpair(50, 6), lambda i, j: float(i - j), steps=1)
    assert judged.order == (3, 2, 1, 0, *range(4, 50))


def test_an_early_end_of_a_heap_keeps_what_was_taken() -> None:
    whole = Judged(heapsort(20, 10), lambda i, j: float(i - j))
    cut = Judged(heapsort(20, 10), lambda i, j: float(i - j), steps=len(whole.batches) - 1)
    assert cut.order == (*range(19, 10, -1), *range(11))
