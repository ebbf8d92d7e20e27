"""An answer is told in one order, and what was told adds up to it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.citing.events import (
    Cites,
    Delta,
    Done,
    Event,
    Final,
    Meta,
    Order,
    SearchResults,
    Telling,
    events,
    mended,
)
from rag.citing.holding import Holding
from rag.citing.structure import structure
from rag.values import (
    Action,
    Answer,
    Candidate,
    Chunk,
    Cut,
    Passage,
    Query,
    Told,
    Verification,
)
from tests.rag.citing.written import LEGAL, WRITTEN

QUERY = Query("how long?")
META, RESULTS = Meta("r-1", "single"), SearchResults(())
PASSAGES = tuple(
    Passage(ref, Candidate(Chunk(f"c{ref}", f"d{ref}", "text", 0, 4), 1.0, {})) for ref in LEGAL
)

EVENTS: st.SearchStrategy[Event] = st.sampled_from(
    [
        META,
        RESULTS,
        Delta("It lasts."),
        Cites(0, 0, 9, (1,)),
        Verification(0, "none", "drop"),
        Final(Answer(QUERY, "It lasts.")),
        Final(Answer(QUERY, "")),
        Done(),
    ]
)
RANKS = {Meta: 0, SearchResults: 1, Delta: 2, Cites: 2, Verification: 3, Final: 4, Done: 5}


def told(telling: list[Event]) -> Order:
    order = Order()
    for event in telling:
        order = order.after(event)
    return order


def test_a_whole_answer_is_in_order() -> None:
    order = told(
        [
            META,
            RESULTS,
            Delta("It lasts. "),
            Cites(0, 0, 9, (1,)),
            Delta("It flies."),
            Cites(1, 10, 19, (2,)),
            Verification(1, "none", "drop"),
            Final(Answer(QUERY, "It lasts.")),
        ]
    )
    assert not order.complete
    assert order.after(Done()).complete


def test_an_abstention_is_in_order_without_any_text() -> None:
    assert told([META, RESULTS, Final(Answer(QUERY, "", reason="nothing")), Done()]).complete


@pytest.mark.parametrize(
    ("telling", "reason"),
    [
        ([RESULTS], "search_results may not follow the beginning"),
        ([META, Delta("a")], "delta may not follow meta"),
        ([META, META], "meta may not follow meta"),
        ([META, RESULTS, Delta("a"), Done()], "done may not follow delta"),
        ([META, RESULTS, Delta("")], "a delta without text"),
        ([META, RESULTS, Cites(0, 0, 1, ())], "citation may not follow search_results"),
        ([META, RESULTS, Delta("a"), Cites(1, 0, 1, ())], "sentence 1 is cited, 0 is next"),
        ([META, RESULTS, Delta("a"), Cites(0, 0, 2, ())], "not yet told"),
        ([META, RESULTS, Delta("ab"), Cites(0, 0, 2, ()), Cites(1, 1, 2, ())], "told before"),
        ([META, RESULTS, Delta("a"), Verification(0, "full")], "no sentence 0"),
        (
            [META, RESULTS, Delta("a"), Cites(0, 0, 1, ()), *[Verification(0, "full")] * 2],
            "verified before",
        ),
        (
            [META, RESULTS, Delta("a"), Cites(0, 0, 1, ()), Verification(0, "full"), Delta("b")],
            "delta may not follow verification",
        ),
        ([META, RESULTS, Delta("a"), Final(Answer(QUERY, "b"))], "not what was told"),
    ],
)
def test_what_is_out_of_order_is_refused(telling: list[Event], reason: str) -> None:
    told(telling[:-1])
    with pytest.raises(ValueError, match=reason):
        told(telling)


@given(st.lists(EVENTS, max_size=9))
def test_what_is_accepted_rises_and_ends_once(telling: list[Event]) -> None:
    order, accepted = Order(), []
    for event in telling:
        try:
            order = order.after(event)
        except ValueError:
            continue
        accepted.append(event)
    ranks = [RANKS[type(event)] for event in accepted]
    assert ranks == sorted(ranks)
    assert all(ranks.count(once) <= 1 for once in (0, 1, 4, 5))
    assert set(range(max(ranks, default=-1) + 1)) - set(ranks) <= {2, 3}


@pytest.mark.parametrize(
    ("dropped", "left"),
    [
        ([0], "So:\n- It hums.\n- It stays.\n\nEnd"),
        ([1], "So:\n- It lasts.\n- It stays.\n\nEnd"),
        ([2], "So:\n- It lasts.\n- It hums."),
        ([1, 2], "So:\n- It lasts."),
        ([0, 1, 2], ""),
        ([], "So:\n- It lasts.\n- It hums.\n- It stays.\n\nEnd"),
    ],
)
def test_a_dropped_sentence_takes_what_binds_it_along(dropped: list[int], left: str) -> None:
    text = "So:\n- It lasts.\n- It hums.\n- It stays.\n\nEnd"
    spans = [(6, 15), (18, 26), (29, 38)]
    assert mended(text, spans, [Verification(i, "none", "drop") for i in dropped]) == left


ACTIONS: st.SearchStrategy[Action] = st.sampled_from(["keep", "drop", "rewrite"])


@given(WRITTEN, st.lists(ACTIONS, max_size=12), st.integers(1, 9))
@settings(deadline=None, max_examples=200)
def test_deltas_and_fixes_add_up_to_the_final_text(
    written: str, actions: list[Action], size: int
) -> None:
    holding = Holding(LEGAL)
    pieces = [written[at : at + size] for at in range(0, len(written), size)]
    deltas = [*map(holding.feed, pieces), holding.close()]
    draft = structure(written, PASSAGES)
    spans = [(claim.start, claim.end) for claim in draft.claims]
    fixes = [
        Verification(i, "none", action, "It is so." if action == "rewrite" else "")
        for i, action in enumerate(actions[: len(spans)])
    ]
    answer = Answer(QUERY, mended(draft.text, spans, fixes))
    cuts = [Cut(start, end) for start, end in spans]
    items: list[Told] = [*cuts[:1], *deltas, *cuts[1:], *fixes, answer]
    telling = list(events(META, RESULTS, items))
    assert told(telling).complete
    text = "".join(event.text for event in telling if isinstance(event, Delta))
    cited = [(event.start, event.end) for event in telling if isinstance(event, Cites)]
    late = [event for event in telling if isinstance(event, Verification)]
    assert cited == spans
    assert mended(text, cited, late) == answer.text


def test_a_sentence_is_told_as_soon_as_all_of_it_is_shown() -> None:
    telling = Telling(META, RESULTS)
    assert telling.begin() == (META, RESULTS)
    assert telling.tell(Cut(0, 9, (1,))) == ()
    assert telling.tell("It las") == (Delta("It las"),)
    assert telling.tell("") == ()
    assert telling.tell("ts. It") == (Delta("ts. It"), Cites(0, 0, 9, (1,)))
    assert telling.tell(Cut(10, 12)) == (Cites(1, 10, 12, ()),)


def test_an_answer_that_is_not_what_was_told_is_refused() -> None:
    with pytest.raises(ValueError, match="not what was told"):
        list(events(META, RESULTS, ["It lasts.", Answer(QUERY, "It hums.")]))
    with pytest.raises(ValueError, match="was not told"):
        list(events(META, RESULTS, ["It lasts.", Cut(0, 99), Answer(QUERY, "It lasts.")]))
