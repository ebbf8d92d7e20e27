"""Branches are encoded once and looked up under the query's tenant and conditions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from indexers.encoders.bm25 import Bm25Encoder
from indexers.encoders.hashed import HashedEncoder
from indexers.stores.exact import ExactStore
from rag.find import fetch, find
from rag.fuse import FUSIONS, fuse
from rag.seams import CollectionSpec
from rag.terms import mixed
from rag.values import (
    Branch,
    Chunk,
    Condition,
    Fused,
    Hit,
    Lookup,
    Part,
    Plan,
    Point,
    Probe,
    Query,
    Ranking,
    Stage,
    Vector,
    ranked,
)

TEXTS = {
    "a": "the freezer holds thirty six hours",
    "b": "the freezer hums",
    "c": "dogs may come along",
    "d": "another tenant has a freezer",
}


class Counting(HashedEncoder):
    """Notes what it is asked to encode."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[tuple[str, ...], str]] = []

    async def encode(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vector:
        self.asked.append((tuple(texts), kind))
        return await super().encode(texts, kind)


@pytest.fixture
async def store() -> ExactStore:
    encoder, sparse = HashedEncoder(), Bm25Encoder()
    spec = encoder.spec
    store = ExactStore(
        CollectionSpec(spec.name, spec.fingerprint, spec.dimension, sparse.spec.fingerprint, "none")
    )
    vectors = await encoder.encode(list(TEXTS.values()), "document")
    await store.put(
        [
            Point(
                Chunk(
                    id_,
                    f"doc-{id_}",
                    text,
                    0,
                    len(text),
                    metadata={"kind": id_},
                    tenant="other" if id_ == "d" else "default",
                ),
                vector,
                sparse.document(text, 4.0),
                sparse.length(text),
            )
            for (id_, text), vector in zip(TEXTS.items(), vectors, strict=True)
        ]
    )
    return store


def plan(*branches: Branch, query: Query | None = None) -> Plan:
    return Plan(query or Query("freezer"), branches, "rrf", (Stage("plan", 1.0),))


def ids(ranking: Sequence[Hit]) -> list[str]:
    return [hit.chunk_id for hit in ranking]


@pytest.mark.anyio
async def test_every_branch_gives_a_ranking_by_its_name(store: ExactStore) -> None:
    both = plan(Branch("dense", "freezer", 10), Branch("bm25", "freezer", 10))
    found = await find(both, HashedEncoder(), Bm25Encoder(), store)
    assert found.plan is both
    assert list(found.rankings) == ["dense", "bm25"]
    assert ids(found.rankings["bm25"]) == ["b", "a"]  # the shorter text first
    assert sorted(ids(found.rankings["dense"])) == ["a", "b", "c"]
    assert found.trace == (
        Stage("plan", 1.0),
        Stage("find", 0.0, detail="dense 3, bm25 2"),
    )


@pytest.mark.anyio
async def test_a_branch_fetches_its_depth_and_looks_with_its_own_text(store: ExactStore) -> None:
    found = await find(
        plan(Branch("bm25", "dogs", 10), Branch("dense", "freezer hums", 1)),
        HashedEncoder(),
        Bm25Encoder(),
        store,
    )
    assert ids(found.rankings["bm25"]) == ["c"]
    assert ids(found.rankings["dense"]) == ["b"]


@pytest.mark.anyio
async def test_what_is_closed_between_finding_and_fetching_is_not_fetched(
    store: ExactStore,
) -> None:
    query = Query("freezer", principals=("ada",))
    found = await find(
        plan(Branch("bm25", "freezer", 10), query=query), HashedEncoder(), Bm25Encoder(), store
    )
    ranking = found.rankings["bm25"]
    assert ids(ranking) == ["b", "a"]
    closed = Chunk("b", "doc-b", TEXTS["b"], 0, 16, metadata={"principals": ["bob"]})
    await store.put([Point(closed, np.ones(64, np.float32), Bm25Encoder().query("freezer"), 3)])
    results = await fetch(Fused(query, ranking, found.rankings), store)
    assert [candidate.chunk.id for candidate in results.candidates] == ["a"]


@pytest.mark.anyio
async def test_without_a_dense_branch_nothing_is_encoded(store: ExactStore) -> None:
    encoder = Counting()
    await find(plan(Branch("bm25", "freezer", 10)), encoder, Bm25Encoder(), store)
    assert encoder.asked == []


@pytest.mark.anyio
async def test_a_text_that_stands_in_several_dense_branches_is_encoded_once(
    store: ExactStore,
) -> None:
    encoder = Counting()
    branches = (Branch("dense", "x", 1), Branch("dense", "y", 1), Branch("dense", "x", 2))
    await find(plan(*branches), encoder, Bm25Encoder(), store)
    assert encoder.asked == [(("x", "y"), "query")]


@pytest.mark.anyio
async def test_weighted_texts_are_added_up(store: ExactStore) -> None:
    """What a form says is what is searched: five times a word, or once at a weight of five."""
    encoder, sparse = HashedEncoder(), Bm25Encoder()
    often = Branch("bm25", "freezer " * 5 + "dogs", 10)
    parts = Branch("bm25+parts", "x", 10, (Part("freezer", 5.0), Part("dogs")))
    terms = Branch(
        "bm25+terms", "x", 10, mixed([(sparse.query("freezer"), 5.0), (sparse.query("dogs"), 1.0)])
    )
    found = (await find(plan(often, parts, terms), encoder, sparse, store)).rankings
    assert found["bm25"] == found["bm25+parts"] == found["bm25+terms"]
    assert (
        found["bm25"]
        != (await find(plan(Branch("bm25", "freezer dogs", 10)), encoder, sparse, store)).rankings[
            "bm25"
        ]
    )


@pytest.mark.anyio
async def test_a_dense_form_is_the_weighted_sum_of_its_texts_each_read_as_it_says(
    store: ExactStore,
) -> None:
    encoder = Counting()
    form = (Part("freezer", 3.0), Part("dogs", 1.0, "document"), Part("freezer", 0.0, "document"))
    branches = (Branch("dense+mean", "x", 10, form), Branch("dense", "freezer", 10))
    found = (await find(plan(*branches), encoder, Bm25Encoder(), store)).rankings
    assert encoder.asked == [(("freezer",), "query"), (("dogs", "freezer"), "document")]
    (freezer,) = await encoder.encode(["freezer"], "query")
    (dogs,) = await encoder.encode(["dogs"], "document")
    mean = 3 * freezer + dogs
    probe = Probe("dense", mean / np.linalg.norm(mean), 10)
    expected = (await store.find(Lookup((probe,))))["dense"]
    assert ids(found["dense+mean"]) == ids(expected)
    for mine, theirs in zip(found["dense+mean"], expected, strict=True):
        assert mine.score == pytest.approx(theirs.score, abs=1e-6)


@pytest.mark.anyio
async def test_a_dense_branch_cannot_look_with_terms(store: ExactStore) -> None:
    branch = Branch("dense", "x", 10, Bm25Encoder().query("freezer"))
    with pytest.raises(TypeError, match="'dense' is a dense branch"):
        await find(plan(branch), HashedEncoder(), Bm25Encoder(), store)


@pytest.mark.anyio
async def test_the_tenant_and_the_conditions_hold_on_every_branch(store: ExactStore) -> None:
    branches = (Branch("dense", "freezer", 10), Branch("bm25", "freezer", 10))
    others = plan(*branches, query=Query("freezer", tenant="other"))
    found = await find(others, HashedEncoder(), Bm25Encoder(), store)
    assert [ids(ranking) for ranking in found.rankings.values()] == [["d"], ["d"]]
    where = (Condition("metadata.kind", "in", ("a", "d")),)
    chosen = plan(*branches, query=Query("freezer", where=where))
    found = await find(chosen, HashedEncoder(), Bm25Encoder(), store)
    assert [ids(ranking) for ranking in found.rankings.values()] == [["a"], ["a"]]


@pytest.mark.anyio
async def test_a_query_of_stop_words_finds_nothing_by_words(store: ExactStore) -> None:
    branches = (Branch("dense", "the", 10), Branch("bm25", "the", 10))
    found = await find(plan(*branches), HashedEncoder(), Bm25Encoder(), store)
    assert found.rankings["bm25"] == ()
    assert len(found.rankings["dense"]) == 3


FUSED = Fused(
    Query("freezer", k=2),
    ranked({"a": 0.9, "b": 0.5, "c": 0.1}),
    {"bm25": ranked({"b": 7.0, "a": 5.0}), "dense": ranked({"c": 0.9, "b": 0.8}), "empty": ()},
    (Stage("fuse", 1.0),),
)


@pytest.mark.anyio
async def test_the_k_best_come_with_text_score_and_rank_in_every_branch(store: ExactStore) -> None:
    results = await fetch(FUSED, store)
    assert results.query is FUSED.query
    assert [(c.chunk.id, c.score, dict(c.ranks)) for c in results.candidates] == [
        ("a", 0.9, {"bm25": 2}),
        ("b", 0.5, {"bm25": 1, "dense": 2}),
    ]
    assert results.candidates[1].chunk.text == "the freezer hums"
    assert results.trace == (Stage("fuse", 1.0), Stage("fetch", 0.0, detail="2 chunks"))


@pytest.mark.anyio
async def test_a_chunk_that_was_dropped_meanwhile_is_left_out(store: ExactStore) -> None:
    await store.drop("default", ["doc-a"])
    results = await fetch(FUSED, store)
    assert [c.chunk.id for c in results.candidates] == ["b"]
    assert results.trace[-1].detail == "1 chunks"


@pytest.mark.anyio
async def test_nothing_found_is_no_candidates(store: ExactStore) -> None:
    assert (await fetch(replace(FUSED, ranking=(), rankings={}), store)).candidates == ()


class Unasked(ExactStore):
    """A store that must not be asked."""

    async def find(self, lookup: Lookup) -> Mapping[str, Ranking]:
        raise AssertionError(f"asked for {lookup}")


@pytest.mark.anyio
async def test_a_plan_without_branches_asks_nobody_and_finds_nothing() -> None:
    encoder = Counting()
    unasked = Unasked(CollectionSpec("hashed", "hashed/64", 64, "bm25", "none"))
    found = await find(plan(), encoder, Bm25Encoder(), unasked)
    assert (found.rankings, encoder.asked) == ({}, [])
    assert (found.trace[-1].name, found.trace[-1].status) == ("find", "skipped")
    assert fuse(found, FUSIONS, {}).ranking == ()
