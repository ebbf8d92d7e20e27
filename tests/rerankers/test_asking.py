"""Every schedule works with every asker: nothing is lost, ties move nothing, an error ends it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.flows import Budget, Question, Reply, Request, drive
from rag.llms.scripted import ScriptedLLM
from rag.values import Choose, Chosen, Completed, Message, Scored
from rerankers.acurank import acurank
from rerankers.asking import (
    Asked,
    Asker,
    Schedule,
    ranking,
    self_consistent,
    sole,
)
from rerankers.first import First
from rerankers.listwise import Listwise
from rerankers.ordering import Window
from rerankers.schedules import bubble, heap, single, sliding
from rerankers.setwise import Setwise, SetwiseWritten
from rerankers.tournaments import top_down, tourrank
from tests.rerankers.windows import answered, by, played, undecided

SCHEDULES: dict[str, Callable[[int], Schedule]] = {
    "single": single,
    "sliding": lambda n: sliding(n, 6, 3),
    "bubble": lambda n: bubble(n, 4, 5),
    "heap": lambda n: heap(n, 4, 5),
    "tourrank": lambda n: tourrank(n, 2, seed=1),
    "top_down": lambda n: top_down(n, 6),
    "acurank": lambda n: acurank(n, size=6, k=4),
}
ASKERS: dict[str, Callable[[Sequence[str]], Asker]] = {
    "first": lambda passages: First("which?", passages, size=26),
    "first, not forced": lambda passages: First("which?", passages, forced=False, size=26),
    "listwise": lambda passages: Listwise("which?", passages),
    "listwise, letters": lambda passages: Listwise("which?", passages, letters=True),
    "setwise": lambda passages: Setwise("which?", passages, size=26),
    "setwise, written": lambda passages: SetwiseWritten("which?", passages, size=26),
    "self-consistent": lambda passages: self_consistent(First("?", passages, size=26), 3),
}


def texts(n: int) -> list[str]:
    return [f"text number {i}." for i in range(n)]


@pytest.mark.parametrize("asker", ASKERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("n", [0, 1, 2, 5, 23])
def test_a_model_that_sees_no_difference_changes_nothing(n: int, schedule: str, asker: str) -> None:
    found, asked = answered(ranking(SCHEDULES[schedule](n), ASKERS[asker](texts(n))), undecided)
    assert found.order == tuple(range(n))
    assert found.findings["windows"] == found.findings["uninformative"]
    assert bool(asked) == (n > 1)


@given(st.sampled_from(sorted(SCHEDULES)), st.integers(0, 70), st.integers(0, 12), st.data())
@settings(deadline=None)
def test_an_error_at_any_step_leaves_a_permutation(
    schedule: str, n: int, steps: int, data: st.DataObject
) -> None:
    quality = data.draw(st.lists(st.integers(0, 9).map(float), min_size=n, max_size=n))
    order, asked = played(SCHEDULES[schedule](n), by(quality), steps)
    assert sorted(order) == list(range(n))
    if steps == 0:
        assert order == tuple(range(n))
    assert len(asked) <= steps


@given(st.sampled_from(sorted(SCHEDULES)), st.lists(st.integers(-99, 9), max_size=26))
@settings(deadline=None)
def test_where_all_but_the_head_are_equal_the_rest_stays_in_order(
    schedule: str, quality: list[int]
) -> None:
    scores = [float(max(q, 0)) for q in quality]
    order, _ = played(SCHEDULES[schedule](len(scores)), lambda w: by(scores)(w))
    worst = [i for i in order if scores[i] == 0]
    if schedule in {"sliding", "bubble", "heap", "single"}:
        assert worst == sorted(worst)
    assert sorted(order) == list(range(len(scores)))


class Recorded:
    """Ranks windows by number, falling, and keeps what was asked."""

    def __init__(self) -> None:
        self.read_windows: list[Window] = []

    def requests(self, window: Window) -> tuple[Choose, Choose]:
        """Ask two questions about the window."""
        shown = (Message("user", str(window)),)
        return Choose(shown, tuple(map(str, window))), Choose(shown, ("x",))

    def read(self, window: Window, replies: Sequence[Reply]) -> Asked:
        """Return the window backwards."""
        assert len(replies) == 2
        self.read_windows.append(window)
        return Asked(tuple((i,) for i in reversed(window)), missing=1, malformed=2)


def steps_of(*steps: Sequence[Window]) -> Schedule:
    """A schedule that looks at given windows and returns how the last was ranked."""
    ranked: Sequence[tuple[tuple[int, ...], ...]] = ()
    for step in steps:
        ranked = yield step
    return tuple(i for level in ranked[0] for i in level)


def test_all_windows_of_a_step_are_one_batch_and_none_is_asked_twice() -> None:
    asker = Recorded()
    schedule = steps_of([(0, 1), (2, 3), (0, 1), (4,)], [(2, 3)], [(5,)], [(1, 0), (2, 3)])
    found, batches = answered(ranking(schedule, asker), undecided)
    assert [len(batch) for batch in batches] == [4, 2]
    assert asker.read_windows == [(0, 1), (2, 3), (1, 0)]
    assert found.order == (0, 1)
    assert (found.missing, found.malformed, found.findings["windows"]) == (3, 6, 3)


def test_a_ranking_runs_in_the_driver_and_stops_at_its_budget() -> None:
    llm = ScriptedLLM(choose=lambda r: Chosen(tuple(float(i) for i in range(len(r.labels)))))
    asker = First("which?", texts(40), size=10)
    whole = asyncio.run(drive(ranking(sliding(40, 10, 5), asker), llm))
    assert (whole.cost.calls, whole.cost.depth, whole.error) == (7, 7, None)
    cut = asyncio.run(drive(ranking(sliding(40, 10, 5), asker), llm, Budget(calls=2)))
    assert cut.cost.calls == 2
    assert cut.error is not None
    assert sorted(cut.result.order) == list(range(40))
    assert cut.result.order[:25] == tuple(range(25))


@given(st.integers(2, 20), st.integers(1, 6), st.integers())
@settings(deadline=None, max_examples=30)
def test_a_window_is_first_shown_as_it_is_then_shuffled_the_same_way_every_time(
    n: int, rounds: int, seed: int
) -> None:
    window = tuple(range(n))
    asker = self_consistent(First("?", texts(n)), rounds, seed)
    requests = asker.requests(window)
    assert len(requests) == rounds
    assert requests[0] == First("?", texts(n)).requests(window)[0]
    assert list(asker.requests(window)) == list(requests)


def shown(request: Request) -> list[int]:
    """The numbers of the passages in a prompt, in its order."""
    assert isinstance(request, Question)
    lines = request.prompt[1].content.splitlines()
    return [int(line.split()[-1].strip(".")) for line in lines if line.startswith("[")]


def test_a_liking_for_the_first_place_is_outvoted() -> None:
    # The model knows the best passage, but adds more than all differences to what it sees first.
    def biased(request: Request) -> Reply:
        assert isinstance(request, Choose)
        scores = [-float(i) + (10.0 if at == 0 else 0.0) for at, i in enumerate(shown(request))]
        return Chosen(tuple(scores))

    window = (3, 2, 1, 0)
    once, many = (
        answered(ranking(steps_of([window]), asker), biased)[0].order
        for asker in (First("?", texts(4)), self_consistent(First("?", texts(4)), 40))
    )
    assert once == (3, 0, 1, 2)
    assert many == (0, 1, 2, 3)


def test_shuffles_differ_from_round_to_round() -> None:
    asker = self_consistent(First("?", texts(10)), 8)
    orders = Counter(tuple(shown(request)) for request in asker.requests(tuple(range(10))))
    assert max(orders.values()) == 1
    other = self_consistent(First("?", texts(10)), 8, seed=1)
    assert set(orders) & {tuple(shown(r)) for r in other.requests(tuple(range(10)))} == {
        tuple(range(10))
    }


def test_no_round_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least once"):
        self_consistent(First("?", texts(2)), 0)


def test_counts_of_all_rounds_are_summed() -> None:
    asker = self_consistent(Listwise("?", texts(3)), 4)
    read = asker.read((0, 1, 2), [Completed("1", 1), *[Completed("no", 1)] * 3])
    assert (read.missing, read.malformed) == (2 + 3 * 3, 4)
    assert read.levels == ((0,), (1, 2))


def test_a_reply_of_another_kind_is_a_fault_of_the_backend() -> None:
    with pytest.raises(TypeError, match="expected a Chosen, the answer is a Scored"):
        sole([Scored(0.0, 1)], Chosen)
    with pytest.raises(TypeError, match="expected a Completed, the answer is a Chosen"):
        sole([Chosen(())], Completed)
