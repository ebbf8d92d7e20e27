"""A query becomes branches with explicit depths, or one error that names the remedy."""

import re
from dataclasses import replace

import pytest

from rag.errors import BadQuery
from rag.plan import MAX_K, MAX_QUERY_CHARS, Defaults, make_plan
from rag.presets import PRESETS
from rag.values import Access, Branch, Condition, Handling, Query

DEFAULTS = Defaults("dbsf", 100, ("rrf", "dbsf", "convex"))


def test_a_bare_query_gets_both_branches_and_the_default_fusion() -> None:
    plan = make_plan(Query("freezer"), DEFAULTS)
    assert plan.branches == (Branch("bm25", "freezer", 100), Branch("dense", "freezer", 100))
    assert plan.fusion == "dbsf"
    assert [(stage.name, stage.status, stage.detail) for stage in plan.trace] == [
        ("plan", "ok", "bm25 + dense")
    ]


def test_the_query_itself_stays_as_it_was_asked() -> None:
    query = Query("  two\n words ", where=(Condition("source", "eq", "a"),), tenant="acme")
    plan = make_plan(query, DEFAULTS)
    assert plan.query == replace(query, handling=PRESETS["balanced"], superseded="mark")
    assert {branch.text for branch in plan.branches} == {"two words"}


def test_a_query_says_its_branches_in_its_order_each_once() -> None:
    plan = make_plan(Query("x", branches=("dense", "bm25", "dense")), DEFAULTS)
    assert [branch.name for branch in plan.branches] == ["dense", "bm25"]
    assert [b.name for b in make_plan(Query("x", branches=("bm25",)), DEFAULTS).branches] == [
        "bm25"
    ]


@pytest.mark.parametrize("principals", [None, (), ("ada",), ("ada", "team a", "é😀")])
def test_who_asks_stands_in_the_plan(principals: tuple[str, ...] | None) -> None:
    plan = make_plan(Query("x", tenant="acme", principals=principals), DEFAULTS)
    assert plan.query.access == Access("acme", principals)


@pytest.mark.parametrize("principals", ["ada", ["ada"], ("",), ("ada", " "), (5,), ("\udc80",)])
def test_principals_that_are_no_names_are_refused(principals: tuple[str, ...]) -> None:
    with pytest.raises(BadQuery, match="principal") as caught:
        make_plan(Query("x", principals=principals), DEFAULTS)
    str(caught.value).encode()


def test_a_query_overrides_the_fusion() -> None:
    assert make_plan(Query("x", fusion="rrf"), DEFAULTS).fusion == "rrf"


@pytest.mark.parametrize(("k", "depth"), [(1, 100), (100, 100), (101, 101), (1_000, 1_000)])
def test_every_branch_fetches_at_least_k(k: int, depth: int) -> None:
    assert {b.depth for b in make_plan(Query("x", k), DEFAULTS).branches} == {depth}


@pytest.mark.parametrize("text", ["", " ", "\t\r\n", "\u2028\u00a0\u3000"])
def test_a_query_without_text_is_refused(text: str) -> None:
    with pytest.raises(BadQuery, match="the query is empty: ask something"):
        make_plan(Query(text), DEFAULTS)


def test_a_query_may_be_as_long_as_the_limit_and_no_longer() -> None:
    make_plan(Query("x" * MAX_QUERY_CHARS), DEFAULTS)
    with pytest.raises(BadQuery, match="has 20,001 characters: at most 20,000"):
        make_plan(Query("x" * (MAX_QUERY_CHARS + 1)), DEFAULTS)


@pytest.mark.parametrize("k", [0, -1, -(10**30), MAX_K + 1, 10**30])
def test_k_outside_1_to_1000_is_refused_with_its_value(k: int) -> None:
    with pytest.raises(BadQuery, match=re.escape(f"k is {k}: ask for 1 to 1000 results")):
        make_plan(Query("x", k), DEFAULTS)


@pytest.mark.parametrize("name", ["sparse", "BM25", "", "dense ", "bm25\n"])
def test_an_unknown_branch_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(BadQuery, match=r"unknown branch .*Known: bm25, dense"):
        make_plan(Query("x", branches=("bm25", name)), DEFAULTS)


@pytest.mark.parametrize("name", ["sum", "RRF", " rrf"])
def test_an_unknown_fusion_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(BadQuery, match=rf"unknown fusion '{name}'\. Known: rrf, dbsf, convex"):
        make_plan(Query("x", fusion=name), DEFAULTS)


def test_a_query_is_handled_by_its_preset_or_as_it_says() -> None:
    mine = Handling(rerank_depth=7)
    known = replace(DEFAULTS, presets={"fast": Handling(), "mine": mine}, preset="fast")
    assert make_plan(Query("x"), known).query.handled == Handling()
    assert make_plan(Query("x", preset="mine"), known).query.handled == mine
    own = Handling(depth=333, rerank_depth=3)
    plan = make_plan(Query("x", preset="mine", handling=own), known)
    assert plan.query.handled == own
    assert {branch.depth for branch in plan.branches} == {333}
    changed = make_plan(Query("x", preset="mine", changes={"depth": 4, "seconds": 1.5}), known)
    assert changed.query.handled == replace(mine, depth=4, seconds=1.5)
    assert changed.query.changes == {}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (Query("x", preset="best"), "unknown preset 'best'. Known: fast, balanced, quality"),
        (
            Query("x", handling=Handling(expand=("rm3", "magic"))),
            "unknown expansion 'magic'. Known: rm3",
        ),
        (Query("x", handling=Handling(route="dice")), "unknown router 'dice'. Known: rules"),
        (
            Query("x", handling=Handling(iterate="again")),
            "unknown iteration 'again'. Known: ircot, retgen",
        ),
        (
            Query("x", changes={"colour": 1}),
            "a handling has no 'colour'. Known: standalone, expand",
        ),
        (Query("x", handling=Handling(calls=-1)), "are 0 or more"),
        (Query("x", handling=Handling(seconds=-0.1)), "are 0 or more"),
        (Query("x", handling=Handling(rerank_depth=-1)), "are 0 or more"),
    ],
)
def test_an_unknown_way_to_handle_it_is_refused_with_the_known_ones(
    query: Query, said: str
) -> None:
    ways = replace(
        DEFAULTS, expansions=("rm3",), routers=("rules",), iterations=("ircot", "retgen")
    )
    with pytest.raises(BadQuery, match=re.escape(said)):
        make_plan(query, ways)


def test_an_unknown_fusion_is_refused_even_when_it_comes_from_the_defaults() -> None:
    with pytest.raises(BadQuery, match="unknown fusion 'best'"):
        make_plan(Query("x"), replace(DEFAULTS, fusion="best"))


@pytest.mark.parametrize("query", [Query("caf\udce9"), Query("x", tenant="\ud83d")])
def test_text_that_is_no_unicode_is_refused_before_an_encoder_sees_it(query: Query) -> None:
    # What a terminal with another encoding hands over: half a surrogate pair.
    with pytest.raises(BadQuery, match="no valid Unicode") as caught:
        make_plan(query, DEFAULTS)
    str(caught.value).encode()  # the message can be printed
