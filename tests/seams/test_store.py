"""Every store keeps, finds and forgets alike, and ranks as the exact store does."""

import math
from dataclasses import replace

import numpy as np
import pytest

from indexers.encoders.bm25 import Bm25Encoder
from indexers.stores.exact import ExactStore
from rag.seams import CollectionSpec, Store
from rag.terms import mixed
from rag.values import (
    Access,
    Condition,
    DocumentRecord,
    Lookup,
    Metadata,
    Point,
    Probe,
    Ranking,
    SparseVector,
)
from tests.seams.points import EAST, NORTH, SPEC, ask, id_of, ids_in, numbers, point, sparse

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant"),
]


async def test_it_is_a_store_and_starts_empty(store: Store) -> None:
    assert isinstance(store, Store)
    assert await store.count() == 0
    assert await ids_in(store) == []
    assert await store.get([id_of(1)], None) == ()
    assert dict(await store.find(ask())) == {"bm25": (), "dense": ()}


async def test_what_was_put_comes_back_as_it_was(store: Store) -> None:
    rich = point(
        7,
        {1: 1.0},
        text='Zeile 1\r\n\u2028Ünïcødé 😀 "quoted"\x00\t',
        document_id="docs/ü ber.md",
        title="Der Titel",
        source="/a b/c.jsonl:12",
        tenant="tenant ✓",
        metadata={
            "none": None,
            "no": False,
            "n": -3,
            "large": 2**53 + 1,
            "f": 0.25,
            "list": ["a", 1, [2.5, {"x": []}]],
            "ob": {"in": {"": "empty key", "a.b": "dotted"}},
        },
    )
    await store.put([rich])
    assert await store.get([id_of(7)], None) == (rich.chunk,)
    stored = [stored async for page in store.scan() for stored in page]
    assert [(s.chunk, s.length) for s in stored] == [(rich.chunk, 1)]


async def test_chunks_come_in_the_order_asked_without_those_that_are_missing(store: Store) -> None:
    await store.put([point(n, {1: 1.0}) for n in (1, 2, 3)])
    chunks = await store.get([id_of(3), id_of(9), id_of(1), id_of(3)], None)
    assert [chunk.text for chunk in chunks] == ["text 3", "text 1", "text 3"]
    assert await store.get([], None) == ()
    assert await store.get([id_of(9)], None) == ()


async def test_the_chunks_around_come_as_they_stand_in_their_documents(store: Store) -> None:
    of_a = [point(9 - n, {1: 1.0}, document_id="a", ordinal=n) for n in range(6)]
    of_b = [point(10 + n, {1: 1.0}, document_id="b", ordinal=n) for n in range(6)]
    twin = point(30, {1: 1.0}, document_id="a", ordinal=2)  # of the version before
    strangers = [point(40, {1: 1.0}, document_id="a", ordinal=2, tenant="other")]
    await store.put([*of_b, *of_a, twin, *strangers])
    await store.record([DocumentRecord("a"), DocumentRecord("b")])
    wanted = [("b", 4, 99), ("a", 1, 3), ("a", 2, 4), ("c", 0, 9), ("b", 0, 0)]
    chunks = await store.around(wanted, Access())
    expected = [of_a[1], of_a[2], twin, of_a[3], of_b[4], of_b[5]]
    assert [chunk.id for chunk in chunks] == [one.chunk.id for one in expected]
    assert chunks[0] == of_a[1].chunk
    assert await store.around([], Access()) == ()
    assert [c.id for c in await store.around([("a", 0, 9)], Access("other"))] == [id_of(40)]


async def test_around_large_documents_and_many_there_is_no_limit(store: Store) -> None:
    await store.put([point(1 + n, {1: 1.0}, document_id="a", ordinal=n) for n in range(1_005)])
    chunks = await store.around([("a", 0, 2_000)], Access())
    assert [chunk.ordinal for chunk in chunks] == [*range(1_005)]
    await store.put([point(5_000 + n, {1: 1.0}, document_id=f"d {n}") for n in range(100)])
    assert len(await store.around([(f"d {n}", 0, 4) for n in range(100)], Access())) == 100


async def test_a_point_replaces_the_one_of_the_same_id_in_every_respect(store: Store) -> None:
    await store.put([point(1, {1: 1.0, 2: 1.0}, EAST, text="old"), point(2, {1: 0.5}, NORTH)])
    await store.put([point(1, {3: 1.0}, NORTH, text="new", tenant="other")])
    assert await store.count() == 2
    assert [chunk.text for chunk in await store.get([id_of(1)], None)] == ["new"]
    assert numbers((await store.find(ask({1: 1.0, 2: 1.0})))["bm25"]) == [2]
    found = await store.find(ask({3: 1.0}, NORTH, tenant="other"))
    assert numbers(found["bm25"]) == [1]
    assert _scores(found["dense"]) == {id_of(1): pytest.approx(1.0, abs=1e-5)}


async def test_the_last_of_two_points_of_one_id_in_one_put_counts(store: Store) -> None:
    await store.put([point(1, {1: 1.0}, text="first"), point(1, {2: 1.0}, text="second")])
    assert await store.count() == 1
    assert [chunk.text for chunk in await store.get([id_of(1)], None)] == ["second"]


async def test_doing_nothing_is_allowed(store: Store) -> None:
    await store.put([point(1, {1: 1.0})])
    await store.put([])
    await store.reweigh({})
    await store.drop("default", [])
    await store.drop("default", ["no such document"])
    await store.drop("no such tenant", ["document 1"])
    await store.optimize()
    assert await store.count() == 1
    assert dict(await store.find(Lookup(()))) == {}


async def test_a_scan_yields_every_chunk_of_every_tenant_once_across_pages(store: Store) -> None:
    points = [point(n, {n % 5: 1.0}, tenant=f"tenant {n % 2}") for n in range(1, 2_346)]
    await store.put(points[1_000:])
    await store.put(points[:1_000])
    assert await store.count() == 2_345
    pages = [len(page) async for page in store.scan()]
    assert len(pages) > 1
    assert sum(pages) == 2_345
    assert sorted(await ids_in(store)) == [id_of(n) for n in range(1, 2_346)]
    every = [id_of(n) for n in range(2_345, 0, -1)]
    assert [chunk.id for chunk in await store.get(every, None)] == every


async def test_a_drop_takes_the_documents_of_one_tenant_with_their_records(store: Store) -> None:
    await store.put(
        [
            point(1, {1: 1.0}, document_id="a"),
            point(2, {1: 1.0}, document_id="a"),
            point(3, {1: 1.0}, document_id="a", tenant="other"),
            point(4, {1: 1.0}, document_id="b"),
            point(5, {1: 1.0}, document_id="c"),
            point(6, {1: 1.0}, document_id="A"),
        ]
    )
    kept = [DocumentRecord("b"), DocumentRecord("a", tenant="other")]
    await store.record([DocumentRecord("a"), *kept, DocumentRecord("c")])
    await store.drop("default", ["a", "c"])
    assert sorted(await ids_in(store)) == [id_of(n) for n in (3, 4, 6)]
    assert await store.count() == 3
    found = await store.find(ask())
    assert numbers(found["dense"]) == sorted(numbers(found["bm25"])) == [4, 6]
    records = [record async for page in store.survey() for record in page]
    assert sorted(records, key=repr) == sorted(kept, key=repr)


async def test_chunks_are_removed_by_id(store: Store) -> None:
    await store.put([point(n, {1: 1.0}, document_id="a") for n in range(1, 5)])
    await store.remove([id_of(1), id_of(3), id_of(99)])
    assert sorted(await ids_in(store)) == [id_of(2), id_of(4)]
    assert numbers((await store.find(ask()))["dense"]) == [2, 4]


RECORD = DocumentRecord(
    document_id="docs/ü ber.md",
    digest="d" * 64,
    title="Der Titel",
    source="/a b/c.jsonl:12",
    metadata={"none": None, "n": 2**53 + 1, "f": 0.5, "list": [{"x": []}], "principals": "ada"},
    tenant="tenant ✓",
    markup="markdown",
    language="python",
    pages=(0, 12),
    head="\u2028\n ",
    chunks=2,
    terms=17,
    state="cleaned",
    adding=(id_of(1),),
    stale=(id_of(2), id_of(3)),
    sketch="ab",
    like="other",
    compared="version",
    superseders={id_of(4): "2024-01-01"},
)


async def test_a_record_comes_back_as_it_was_and_is_no_chunk(store: Store) -> None:
    await store.put([point(1, {1: 1.0})])
    await store.record([RECORD, DocumentRecord("document 1")])
    await store.record([replace(RECORD, title="newer")])
    newer = replace(RECORD, title="newer")
    assert await store.records("tenant ✓", ["none", "docs/ü ber.md"]) == (newer,)
    assert await store.records("default", ["docs/ü ber.md"]) == ()
    assert await store.records("default", []) == ()
    assert await store.count() == 1
    assert await ids_in(store) == [id_of(1)]
    assert numbers((await store.find(ask()))["dense"]) == [1]


async def test_a_survey_tells_all_records_or_those_that_are_not_whole(store: Store) -> None:
    records = [DocumentRecord(f"d{n}", tenant=f"t{n % 2}") for n in range(2_005)]
    half = [replace(records[3], state="written"), replace(records[2_000], state="cleaned")]
    await store.record([*records, *half])
    everything = [record async for page in store.survey() for record in page]
    assert sorted(record.document_id for record in everything) == sorted(
        record.document_id for record in records
    )
    unfinished = [record async for page in store.survey(unfinished=True) for record in page]
    assert sorted(unfinished, key=repr) == sorted(half, key=repr)
    await store.record(records)
    assert [page async for page in store.survey(unfinished=True)] == []


async def test_points_come_back_with_their_vectors_all_or_those_of_a_document(
    store: Store,
) -> None:
    points = [
        point(1, {7: 0.25, 300: 2.0}, (0.6, 0.8, 0, 0), document_id="a"),
        point(2, {}, EAST, document_id="a"),
        point(3, {1: 1.0}, NORTH, document_id="b"),
        point(4, {1: 1.0}, NORTH, document_id="a", tenant="other"),
    ]
    await store.put(points)
    await store.record([DocumentRecord("a")])
    every = [found async for page in store.scan() for found in page]
    assert [found.chunk.id for found in every] == [id_of(n) for n in (1, 2, 3, 4)]
    for found, expected in zip(every, points, strict=True):
        assert found.dense == pytest.approx(expected.dense, abs=1e-6)
        assert found.dense.dtype == np.float32
        assert (found.chunk, found.length) == (expected.chunk, expected.length)
        assert found.sparse.indices == expected.sparse.indices
        assert found.sparse.values == pytest.approx(expected.sparse.values)
    mine = [found async for page in store.scan(DocumentRecord("a")) for found in page]
    assert [found.chunk.id for found in mine] == [id_of(1), id_of(2)]


async def test_revising_replaces_source_and_metadata_of_one_document(store: Store) -> None:
    old: Metadata = {"year": 2020, "gone": True, "principals": "ada"}
    await store.put([point(n, {1: 1.0}, document_id="a", metadata=old) for n in (1, 2)])
    await store.put([point(3, {1: 1.0}, document_id="a", tenant="other", metadata=old)])
    before = await store.find(ask())
    record = DocumentRecord("a", source="/new", metadata={"year": 2021, "in": {"x": [1]}})
    await store.record([record])
    await store.revise(record)
    chunks = await store.get([id_of(n) for n in (1, 2, 3)], None)
    assert [chunk.metadata for chunk in chunks] == [record.metadata, record.metadata, old]
    assert [chunk.source for chunk in chunks] == ["/new", "/new", ""]
    assert await store.find(ask()) == before
    where = (Condition("metadata.year", "eq", 2021),)
    assert numbers((await store.find(ask(where=where)))["dense"]) == [1, 2]
    assert numbers((await store.find(ask(principals=())))["dense"]) == [1, 2]
    assert await store.records("default", ["a"]) == (record,)


async def test_reweighing_changes_sparse_scores_and_nothing_else(store: Store) -> None:
    points = [point(1, {1: 1.0}, EAST), point(2, {1: 2.0}, (0.6, 0.8, 0, 0)), point(3, {2: 1.0})]
    await store.put(points)
    before = await store.find(ask())
    assert numbers(before["bm25"]) == [2, 1]
    await store.reweigh({id_of(1): sparse({1: 6.0})})
    after = await store.find(ask())
    assert numbers(after["bm25"]) == [1, 2]
    assert _scores(after["bm25"])[id_of(1)] == pytest.approx(
        6 * _scores(before["bm25"])[id_of(1)], abs=1e-4
    )
    assert after["dense"] == before["dense"]
    assert await store.get([id_of(1), id_of(2), id_of(3)], None) == tuple(p.chunk for p in points)
    assert await store.count() == 3


async def test_what_it_was_built_with_comes_back_and_can_be_stamped(store: Store) -> None:
    assert await store.info() == SPEC
    stamped = replace(SPEC, mean_length=0.0, splitter="recursive/192", encoder="ünïcode")
    await store.stamp(stamped)
    assert await store.info() == stamped
    longer: CollectionSpec = replace(SPEC, mean_length=123.456789)
    await store.stamp(longer)
    assert await store.info() == longer


async def test_rankings_go_by_the_names_of_the_probes_and_keep_their_depths(store: Store) -> None:
    await store.put([point(n, {1: float(n)}, (1, n / 10, 0, 0)) for n in range(1, 9)])
    east, term = np.asarray(EAST, np.float32), sparse({1: 1.0})
    found = await store.find(
        Lookup((Probe("one", east, 3), Probe("two", term, 2), Probe("three", east, 100)))
    )
    assert {name: numbers(ranking) for name, ranking in found.items()} == {
        "one": [1, 2, 3],
        "two": [8, 7],
        "three": [1, 2, 3, 4, 5, 6, 7, 8],
    }


async def test_sparse_scores_are_weight_times_weight_times_idf(store: Store) -> None:
    # Term 1 stands in 2 of 4 chunks, term 2 in 1; chunk 5 has no term and does not count.
    await store.put(
        [
            point(1, {1: 1.5, 2: 2.0}),
            point(2, {1: 0.5}),
            point(3, {3: 1.0}),
            point(4, {4: 1.0}, tenant="other"),
            point(5, {}),
        ]
    )
    idf_1 = math.log(1 + (4 - 2 + 0.5) / (2 + 0.5))
    idf_2 = math.log(1 + (4 - 1 + 0.5) / (1 + 0.5))
    ranking = (await store.find(ask({1: 2.0, 2: 3.0})))["bm25"]
    assert _scores(ranking) == {
        id_of(1): pytest.approx(2 * 1.5 * idf_1 + 3 * 2 * idf_2, abs=1e-4),
        id_of(2): pytest.approx(2 * 0.5 * idf_1, abs=1e-4),
    }


async def test_dense_scores_are_cosines_whatever_the_length_of_the_query(store: Store) -> None:
    await store.put([point(1, {1: 1.0}, (3, 4, 0, 0)), point(2, {1: 1.0}, (-1, 0, 0, 0))])
    ranking = (await store.find(ask(dense=(10.0, 0.0, 0.0, 0.0))))["dense"]
    assert _scores(ranking) == pytest.approx({id_of(1): 0.6, id_of(2): -1.0}, abs=1e-5)


@pytest.mark.parametrize("seed", [1, 2])
async def test_scores_and_order_equal_the_exact_store(store: Store, seed: int) -> None:
    dice = np.random.default_rng(seed)
    exact = ExactStore(SPEC)
    points = [_random_point(n, dice) for n in range(1, 301)]
    for each in (store, exact):
        await each.put(points)
        await each.optimize()
    for depth in (1, 10, 300):
        terms = {int(term): dice.uniform(0.1, 5) for term in dice.choice(30, 4)}
        lookup = ask(terms, dice.normal(size=4).tolist(), depth=depth)
        mine, theirs = await store.find(lookup), await exact.find(lookup)
        for name in ("bm25", "dense"):
            assert len(mine[name]) == len(theirs[name]) <= depth
            assert [hit.score for hit in mine[name]] == pytest.approx(
                [hit.score for hit in theirs[name]], abs=1e-4
            )
            assert _scores(mine[name]) == pytest.approx(_scores(theirs[name]), abs=1e-4)


async def test_equal_scores_stand_in_the_order_of_chunk_ids(store: Store) -> None:
    order = [5, 3, 9, 1, 7, 2]
    await store.put([point(n, {1: 1.0}, EAST, text="same") for n in order])
    found = await store.find(ask())
    assert numbers(found["bm25"]) == numbers(found["dense"]) == sorted(order)
    assert len({hit.score for hit in found["bm25"]}) == 1


async def test_a_tenant_sees_its_own_chunks_only_on_both_branches(store: Store) -> None:
    await store.put(
        [point(n, {1: 1.0}, EAST, tenant="ab"[n % 2], document_id="d") for n in range(1, 7)]
    )
    for tenant, mine in {"a": [2, 4, 6], "b": [1, 3, 5], "": [], "A": []}.items():
        found = await store.find(ask(tenant=tenant))
        assert numbers(found["bm25"]) == numbers(found["dense"]) == mine


async def test_terms_that_no_chunk_has_find_nothing(store: Store) -> None:
    await store.put([point(1, {1: 1.0})])
    assert (await store.find(ask({77: 1.0})))["bm25"] == ()
    assert numbers((await store.find(ask({77: 1.0, 1: 1.0})))["bm25"]) == [1]


async def test_a_query_without_terms_finds_nothing(store: Store) -> None:
    await store.put([point(1, {1: 1.0}), point(2, {})])
    none = Probe("bm25", SparseVector((), ()), 10)
    assert dict(await store.find(Lookup((none,)))) == {"bm25": ()}


async def test_a_term_asked_five_times_weighs_five(store: Store) -> None:
    bm25 = Bm25Encoder()
    texts = ["cold freezer", "freezer power supply", "power of the supply", "nothing else"]
    points = [point(n, {}, text=text) for n, text in enumerate(texts, start=1)]
    await store.put([replace(p, sparse=bm25.document(p.chunk.text, 2.5)) for p in points])

    async def scores(query: SparseVector) -> dict[str, float]:
        return _scores((await store.find(Lookup((Probe("bm25", query, 10),))))["bm25"])

    once = await scores(bm25.query("freezer"))
    five_times = await scores(bm25.query("freezer freezer freezer freezer freezer"))
    assert sorted(once) == [id_of(1), id_of(2)]
    assert five_times == pytest.approx({id_: 5 * score for id_, score in once.items()}, rel=1e-5)
    assert five_times == await scores(mixed([(bm25.query("freezer"), 5.0)]))
    power = await scores(bm25.query("freezer power power power"))
    assert max(power, key=lambda id_: power[id_]) == id_of(2)


async def test_a_chunk_without_terms_is_found_by_its_vector(store: Store) -> None:
    await store.put([point(1, {}, EAST), point(2, {1: 1.0}, NORTH)])
    found = await store.find(ask())
    assert numbers(found["dense"]) == [1, 2]
    assert numbers(found["bm25"]) == [2]


async def test_asking_deeper_than_there_is_gives_what_there_is(store: Store) -> None:
    await store.put([point(1, {1: 1.0})])
    found = await store.find(ask(depth=10_000))
    assert numbers(found["bm25"]) == numbers(found["dense"]) == [1]


def _scores(ranking: Ranking) -> dict[str, float]:
    return {hit.chunk_id: hit.score for hit in ranking}


def _random_point(number: int, dice: np.random.Generator) -> Point:
    terms = dice.permutation(30)[: dice.integers(8)]
    return point(
        number,
        {int(term): dice.uniform(0.1, 2) for term in terms},
        dice.normal(size=4).tolist(),
        tenant="other" if number % 10 == 0 else "default",
    )
