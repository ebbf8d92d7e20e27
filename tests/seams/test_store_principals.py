"""Every store shows what is open and what names who asks, on every branch and by id."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexers.stores.exact import ExactStore
from rag.seams import Store
from rag.values import Access, Condition, FeedbackProbe, Json, Lookup, Metadata, Point
from tests.seams.points import EAST, SPEC, ask, id_of, numbers, point, unit

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant"),
]

NAMES = ("ada", "Ada", "bob", "team a", "é😀", "5", "true")
NO_NAMES: tuple[Json, ...] = (5, True, 0.5, [5], [True, 7], {"ada": 1}, {}, "")
"""What indexing refuses; a store that holds it all the same shows it to trusted callers only."""

named: st.SearchStrategy[Json] = st.one_of(
    st.sampled_from(NAMES),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map(lambda names: [*names]),
    st.sampled_from(NO_NAMES),
)
metadatas: st.SearchStrategy[Metadata] = st.one_of(
    st.sampled_from([{}, {"other": "ada"}, {"principals": None}, {"principals": []}]),
    named.map(lambda value: {"principals": value}),
)
askers = st.one_of(st.none(), st.lists(st.sampled_from(NAMES), max_size=3).map(tuple))


def readable(metadata: Metadata, principals: Sequence[str] | None) -> bool:
    """The rule, written once more by hand."""
    value = metadata.get("principals")
    if principals is None or value is None or value == []:
        return True
    return value in principals if isinstance(value, str) else _one_of(value, principals)


def _one_of(value: Json, principals: Sequence[str]) -> bool:
    return isinstance(value, list) and any(name in principals for name in value)


def points(metadata: Sequence[Metadata], tenant: str = "default", first: int = 1) -> list[Point]:
    """A point for each, the first the nearest to EAST and the best for term 1."""
    return [
        point(first + n, {1: 100.0 - n}, (1, n / 10, 0, 0), tenant=tenant, metadata=one)
        for n, one in enumerate(metadata)
    ]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    metadata=st.lists(metadatas, min_size=1, max_size=12),
    principals=askers,
    depth=st.integers(1, 12),
)
async def test_a_query_sees_all_that_it_may_read_and_nothing_else(
    store: Store, metadata: list[Metadata], principals: tuple[str, ...] | None, depth: int
) -> None:
    mine, theirs = points(metadata), points(metadata, "other", 101)
    exact = ExactStore(SPEC)
    for each in (store, exact):
        await each.put([*mine, *theirs])
    expected = [n for n, one in enumerate(metadata, start=1) if readable(one, principals)]
    lookup = ask(depth=depth, principals=principals)
    again = FeedbackProbe("again", unit(EAST), depth, ((unit(EAST), 1.0), (unit((0, 1, 0, 0)), 0)))
    lookup = Lookup((*lookup.probes, again), lookup.access)
    every = [p.chunk.id for p in (*mine, *theirs)]
    for each in (store, exact):
        found = {name: numbers(ranking) for name, ranking in (await each.find(lookup)).items()}
        assert found == dict.fromkeys(("bm25", "dense", "again"), expected[:depth])
        got = await each.get(every, lookup.access)
        assert [chunk.id for chunk in got] == [id_of(n) for n in expected]
        wanted = [(p.chunk.document_id, 0, 1) for p in (*mine, *theirs)]
        around = await each.around(wanted, lookup.access)
        assert {chunk.id for chunk in around} == {id_of(n) for n in expected}
    for tenant in ("default", "other"):  # the next example starts empty
        await store.drop(tenant, [p.chunk.document_id for p in (*mine, *theirs)])


async def test_principals_are_applied_before_the_depth_not_after(store: Store) -> None:
    closed: list[Metadata] = [{"principals": ["bob"]}] * 300
    await store.put(points(closed))
    await store.put([point(900, {1: 0.1}, (-1, 0, 0, 0), metadata={"principals": ["ada"]})])
    await store.optimize()
    found = await store.find(ask(depth=1, principals=("ada",)))
    assert numbers(found["bm25"]) == numbers(found["dense"]) == [900]


async def test_a_filter_on_principals_opens_nothing(store: Store) -> None:
    await store.put(points([{"principals": "ada"}, {"principals": ["ada", "bob"]}, {}]))
    where = (Condition("metadata.principals", "eq", "ada"),)
    for principals, expected in ((None, [1, 2]), (("bob",), [2]), ((), [])):
        found = await store.find(ask(principals=principals, where=where))
        assert numbers(found["bm25"]) == numbers(found["dense"]) == expected


async def test_what_is_put_again_with_other_principals_is_closed_at_once(store: Store) -> None:
    ada, bob = Access(principals=("ada",)), Access(principals=("bob",))
    await store.put([point(1, {1: 1.0})])
    assert len(await store.get([id_of(1)], bob)) == 1
    await store.put([point(1, {1: 1.0}, metadata={"principals": ["ada"]})])
    assert await store.get([id_of(1)], bob) == ()
    assert len(await store.get([id_of(1)], ada)) == 1
    assert len(await store.get([id_of(1)], None)) == 1
    lookup = ask(principals=bob.principals, dense=np.asarray(EAST, np.float32).tolist())
    assert dict(await store.find(lookup)) == {"bm25": (), "dense": ()}
