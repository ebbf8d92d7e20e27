"""The query path tells an answer as events, from the search to the end."""

import pytest

from indexers.stores.exact import ExactStore
from rag.citing.events import NAMES, Done, Final, Meta, Order, SearchResults
from rag.errors import BadQuery
from rag.pipeline import QueryPath
from rag.values import Query
from tests.rag.test_pipeline import SPEC, parts


@pytest.mark.anyio
async def test_events_come_in_order_and_end_with_the_answer() -> None:
    path = QueryPath(await parts(ExactStore(SPEC)))
    order = Order()
    events = [event async for event in path.stream(Query("sample freezer"), "r-1")]
    for event in events:
        order = order.after(event)
    assert order.complete
    assert isinstance(events[0], Meta)
    assert events[0].request_id == "r-1"
    assert isinstance(events[1], SearchResults)
    assert [reference.document_id for reference in events[1].references] == ["d"]
    assert isinstance(events[-2], Final)
    assert events[-2].answer.text == (await path.answer(Query("sample freezer"))).text
    assert isinstance(events[-1], Done)
    assert {NAMES[type(event)] for event in events} >= {"delta", "citation"}


@pytest.mark.anyio
async def test_a_query_that_cannot_be_planned_is_refused_before_the_first_event() -> None:
    path = QueryPath(await parts(ExactStore(SPEC)))
    with pytest.raises(BadQuery):
        await anext(path.stream(Query("  ")))
