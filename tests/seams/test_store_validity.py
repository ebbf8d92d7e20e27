"""Every store keeps when a chunk holds, and finds what holds at an instant, on every branch."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexers.stores.exact import ExactStore
from rag.seams import Store
from rag.values import DocumentRecord, FeedbackProbe, Lookup, Point, Validity
from tests.seams.points import EAST, SPEC, ask, id_of, numbers, point, unit

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant"),
]

INSTANTS = ("", "0001-01-01", "2023-12-31T23:59:59Z", "2024-01-01", "2024-01-01T00:00:01Z")
instants = st.sampled_from(INSTANTS)
validities = st.builds(Validity, instants, instants, st.sampled_from(["", id_of(7)]))


async def held(store: Store) -> Mapping[str, Point]:
    """Every point by the id of its chunk."""
    return {point.chunk.id: point async for page in store.scan() for point in page}


async def test_marks_change_nothing_but_the_validity(store: Store) -> None:
    points = [
        point(n, {n: 1.5}, (0.6, 0.8, 0, 0), document_id="a", metadata={"valid_to": n})
        for n in (1, 2, 3)
    ]
    await store.put(points)
    before, found = await held(store), await store.find(ask())
    marks = {
        id_of(1): Validity("2020-01-01", "2024-05-01T10:00:00Z", id_of(3)),
        id_of(3): Validity("2024-05-01T10:00:00Z"),
        id_of(99): Validity("2024-01-01"),
    }
    await store.mark(marks)
    chunks = await store.get([id_of(n) for n in (1, 2, 3, 99)], None)
    assert [chunk.validity for chunk in chunks] == [
        marks[id_of(1)],
        Validity(),
        marks[id_of(3)],
    ]
    after = await held(store)
    assert await store.count() == len(after) == 3
    for id_, stored in after.items():
        bare = replace(stored.chunk, valid_from="", valid_to="", superseded_by="")
        assert (bare, stored.length) == (before[id_].chunk, before[id_].length)
        assert stored.sparse == before[id_].sparse
        assert stored.dense == pytest.approx(before[id_].dense, abs=1e-6)
    assert await store.find(ask()) == found


async def test_a_mark_replaces_the_one_before_and_an_empty_one_takes_it_away(store: Store) -> None:
    await store.put([point(1, {1: 1.0}), point(2, {1: 1.0})])
    both = dict.fromkeys((id_of(1), id_of(2)), Validity("2020-01-01", "2021-01-01", id_of(9)))
    await store.mark(both)
    await store.mark({id_of(1): Validity("2020-01-01"), id_of(2): Validity()})
    await store.mark({})
    chunks = await store.get([id_of(1), id_of(2)], None)
    assert [chunk.validity for chunk in chunks] == [Validity("2020-01-01"), Validity()]
    assert numbers((await store.find(ask(at="2022-01-01")))["dense"]) == [1, 2]


async def test_marks_outlive_a_revision_and_go_with_a_new_point(store: Store) -> None:
    await store.put([point(1, {1: 1.0}, document_id="a")])
    mark = Validity("2020-01-01", "2021-01-01", id_of(2))
    await store.mark({id_of(1): mark})
    await store.revise(DocumentRecord("a", source="/new", metadata={"k": 1}))
    await store.reweigh({id_of(1): point(1, {1: 2.0}).sparse})
    (chunk,) = await store.get([id_of(1)], None)
    assert (chunk.validity, chunk.source) == (mark, "/new")
    await store.put([point(1, {1: 1.0}, document_id="a")])
    (chunk,) = await store.get([id_of(1)], None)
    assert chunk.validity == Validity()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    marks=st.lists(validities, min_size=1, max_size=8),
    at=instants.filter(bool),
    depth=st.integers(1, 8),
)
async def test_what_holds_at_an_instant_is_found_and_nothing_else(
    store: Store, marks: list[Validity], at: str, depth: int
) -> None:
    exact = ExactStore(SPEC)
    points = [point(n, {1: 100.0 - n}, (1, n / 10, 0, 0)) for n in range(1, len(marks) + 1)]
    expected = [n for n, mark in enumerate(marks, start=1) if mark.holds(at)]
    again = FeedbackProbe("again", unit(EAST), depth, ((unit(EAST), 1.0), (unit((0, 1, 0, 0)), 0)))
    lookup = ask(depth=depth, at=at)
    lookup = replace(lookup, probes=(*lookup.probes, again))
    for each in (store, exact):
        await each.put(points)
        await each.mark({id_of(n): mark for n, mark in enumerate(marks, start=1)})
        found = {name: numbers(ranking) for name, ranking in (await each.find(lookup)).items()}
        assert found == dict.fromkeys(("bm25", "dense", "again"), expected[:depth])
    every = await store.find(Lookup(lookup.probes))
    assert len(every["dense"]) == min(depth, len(marks))
    await store.drop("default", [p.chunk.document_id for p in points])  # the next one starts empty
