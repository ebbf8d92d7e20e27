"""Grouping and batching lose no row, share what is worth sharing, and keep to their budgets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.llms.batching import MIN_SHARED, PASS_COST, Row, batches, group, shared

TOKENS = st.lists(st.integers(0, 3), min_size=1, max_size=8)
BEGINNINGS = st.sampled_from([(), (7,) * 30, (7,) * 30 + (8,) * 40, (9,) * 50])


@st.composite
def rows(draw: st.DrawFn) -> Row:
    ids = (*draw(BEGINNINGS), *draw(TOKENS))
    wanted = draw(st.integers(1, min(3, len(ids))))
    return Row(ids, ((0,),) * wanted)


def cost(asked: list[Row]) -> int:
    """Return the tokens that go through the model, a pass for each beginning included."""
    found = group(asked)
    whole = sum(len(row.ids) for row in asked)
    return whole + sum(
        (PASS_COST - one.prefix * (len(one.members) - 1)) for one in found if one.prefix
    )


@given(st.lists(rows(), max_size=30))
def test_every_row_is_in_exactly_one_group(asked: list[Row]) -> None:
    members = [i for one in group(asked) for i in one.members]
    assert sorted(members) == list(range(len(asked)))


@given(st.lists(rows(), max_size=30))
def test_a_group_shares_its_beginning_and_leaves_what_is_wanted(asked: list[Row]) -> None:
    for one in group(asked):
        assert one.prefix == 0 or one.prefix >= MIN_SHARED
        beginnings = {asked[i].ids[: one.prefix] for i in one.members}
        assert len(beginnings) <= 1
        assert all(len(asked[i].ids) - one.prefix >= len(asked[i].wanted) for i in one.members)


@given(st.lists(rows(), max_size=30))
def test_grouping_never_costs_more_than_reading_every_row_whole(asked: list[Row]) -> None:
    assert cost(asked) <= sum(len(row.ids) for row in asked) + PASS_COST


def test_prompts_of_two_queries_under_one_instruction_share_their_own_beginnings() -> None:
    instruction, first, second = (1,) * 20, (2,) * 100, (3,) * 100
    asked = [Row((*instruction, *query, i), ((0,),)) for query in (first, second) for i in range(9)]
    assert {(one.prefix, one.members) for one in group(asked)} == {
        (120, tuple(range(9))),
        (120, tuple(range(9, 18))),
    }


def test_a_short_common_beginning_is_not_worth_a_pass() -> None:
    asked = [Row((1, 2, 3, i), ((0,),)) for i in range(10)]
    assert [one.prefix for one in group(asked)] == [0]


def test_nothing_is_no_group() -> None:
    assert group([]) == []


@given(st.lists(st.integers(0, 3)), st.lists(st.integers(0, 3)))
def test_what_is_shared_is_the_longest_common_beginning(a: list[int], b: list[int]) -> None:
    n = shared(a, b)
    assert a[:n] == b[:n]
    assert n == min(len(a), len(b)) or a[n] != b[n]


@given(
    st.lists(st.tuples(st.integers(1, 50), st.integers(1, 5)), max_size=40),
    st.integers(0, 200),
    st.integers(1, 300),
    st.integers(1, 20),
)
def test_batches_hold_every_row_once_within_the_budgets(
    sizes: list[tuple[int, int]], prefix: int, tokens: int, outputs: int
) -> None:
    lengths, wanted = [n for n, _ in sizes], [w for _, w in sizes]
    found = list(batches(lengths, prefix, wanted, tokens, outputs))
    assert sorted(i for batch in found for i in batch) == list(range(len(sizes)))
    for batch in found:
        longest = max(lengths[i] for i in batch)
        most = max(wanted[i] for i in batch)
        if len(batch) > 1:  # a row that is over the budget goes alone
            assert len(batch) * (longest + prefix // 4) <= tokens
            assert len(batch) * most <= outputs


@pytest.mark.parametrize("budget", [40, 400])
def test_batches_are_as_full_as_the_budget_allows(budget: int) -> None:
    found = list(batches([10] * 40, 0, [1] * 40, budget, 1_000))
    assert [len(batch) for batch in found] == [budget // 10] * (400 // budget)
