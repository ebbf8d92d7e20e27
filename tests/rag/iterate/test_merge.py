"""Merging keeps every chunk once, in an order that does not depend on chance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.iterate.merge import merged
from rag.values import Candidate
from tests.rag.iterate.library import candidate, ids

LISTS = st.lists(
    st.lists(st.sampled_from("abcdefgh"), max_size=8, unique=True).map(
        lambda names: tuple(
            candidate(name, score=float(20 - rank), rank=rank)
            for rank, name in enumerate(names, start=1)
        )
    ),
    max_size=5,
)
WEIGHTED = LISTS.flatmap(
    lambda lists: st.tuples(
        st.just(lists),
        st.lists(st.floats(0.1, 3), min_size=len(lists), max_size=len(lists)),
    )
)
Lists = list[tuple[Candidate, ...]]


@given(WEIGHTED)
def test_every_chunk_is_there_once_best_first(case: tuple[Lists, list[float]]) -> None:
    lists, weights = case
    found = merged(lists, weights)
    assert sorted(ids(found)) == sorted({one.chunk.id for ranking in lists for one in ranking})
    scores = [(-one.score, one.chunk.id) for one in found]
    assert scores == sorted(scores)


@given(WEIGHTED)
def test_the_order_of_the_searches_does_not_matter_to_the_ranking(
    case: tuple[Lists, list[float]],
) -> None:
    lists, weights = case
    turned = merged(lists[::-1], weights[::-1])
    assert [(one.chunk.id, one.score) for one in turned] == [
        (one.chunk.id, one.score) for one in merged(lists, weights)
    ]


@given(WEIGHTED)
def test_the_order_goes_by_the_best_rank_over_weight(case: tuple[Lists, list[float]]) -> None:
    lists, weights = case
    if sum(map(bool, lists)) < 2:
        return
    found = merged(lists, weights)
    places = [
        min(
            (ids(ranking).index(one.chunk.id) + 1) / weight
            for ranking, weight in zip(lists, weights, strict=True)
            if one.chunk.id in ids(ranking)
        )
        for one in found
    ]
    assert places == sorted(places)
    assert [one.score for one in found] == [1 / n for n in range(1, len(found) + 1)]


@given(LISTS)
def test_ranks_are_those_of_the_search_that_ranked_it_highest(lists: Lists) -> None:
    for one in merged(lists):
        ranks = [
            ids(ranking).index(one.chunk.id) + 1
            for ranking in lists
            if one.chunk.id in ids(ranking)
        ]
        assert one.ranks == {"bm25": min(ranks)}


def test_what_only_the_last_search_found_stands_before_what_all_found_late() -> None:
    question = [candidate(name) for name in "abc"]
    thought = [candidate(name) for name in "xbc"]
    assert ids(merged([question, thought])) == ["a", "x", "b", "c"]


def test_what_is_set_aside_stands_beside_what_the_rest_found_late() -> None:
    question = [candidate(name) for name in "abcdef"]
    aside = [candidate(name) for name in "xy"]
    assert ids(merged([question, aside], [1.0, 0.25])) == ["a", "b", "c", "d", "x", "e", "f", "y"]


def test_of_equal_ranks_what_more_searches_found_stands_first() -> None:
    searches = [[candidate(name) for name in names] for names in ("ab", "cb", "db", "xe")]
    assert ids(merged(searches)) == ["a", "c", "d", "x", "b", "e"]
    two = [[candidate("a")], [candidate("b"), candidate("c")], [candidate("b")]]
    assert ids(merged(two)) == ["b", "a", "c"]


def test_of_equal_ranks_the_earlier_search_gives_the_branch_ranks() -> None:
    early, late = candidate("a", rank=3), candidate("a", rank=7)
    assert [one.ranks for one in merged([[early], [late]])] == [{"bm25": 3}]


def test_a_search_that_stands_alone_keeps_its_scores() -> None:
    alone = (candidate("b", score=7.0), candidate("a", score=7.0))
    assert merged([(), alone, ()], [1.0, 0.5, 1.0]) == alone
    assert merged([]) == merged([()]) == ()


def test_a_chunk_that_a_search_names_twice_counts_once() -> None:
    twice = [candidate("a"), candidate("a", rank=2), candidate("b", rank=3)]
    found = merged([twice, [candidate("b")]])
    assert ids(found) == ["b", "a"]
    assert [one.score for one in found] == [1.0, 0.5]


def test_there_is_one_weight_per_search() -> None:
    with pytest.raises(ValueError, match="shorter"):
        merged([(candidate("a"),), (candidate("b"),)], [1.0])
