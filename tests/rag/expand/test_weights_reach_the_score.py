"""A weight of a term is a factor of its share of the score, in every store, to the last stage."""

import math
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from indexers.encoders.bm25 import Bm25Encoder
from indexers.encoders.hashed import HashedEncoder
from indexers.stores.edge import create_edge
from indexers.stores.exact import ExactStore
from rag.expand.asked import Asked
from rag.expand.feedback import rm3_branch
from rag.find import fetch, find
from rag.flows import drive
from rag.fuse import FUSIONS, fuse
from rag.seams import CollectionSpec, Store
from rag.terms import by_term, mixed
from rag.values import (
    Branch,
    Chunk,
    Fused,
    Part,
    Plan,
    Point,
    Query,
    Search,
    Searched,
    SparseVector,
)

pytestmark = pytest.mark.anyio

TEXTS = [
    "The freezer holds its cold for two days.",
    "Dogs may come along on every trip, and dogs may swim.",
    "A power cut is announced a week ahead; the freezer waits.",
    "The print shop opens at nine and sells cold drinks.",
    "Whoever opens the freezer writes the time into the log.",
    "After a power cut the cold food is thrown away within two days.",
]
ENCODER, SPARSE = HashedEncoder(16), Bm25Encoder()
MEAN = 6.0


async def filled(store: Store) -> Store:
    vectors = await ENCODER.encode(TEXTS, "document")
    await store.put(
        [
            Point(
                Chunk(f"00000000-0000-0000-0000-{i:012}", f"d{i}", text, 0, len(text)),
                vector,
                SPARSE.document(text, MEAN),
                SPARSE.length(text),
            )
            for i, (text, vector) in enumerate(zip(TEXTS, vectors, strict=True))
        ]
    )
    return store


@pytest.fixture(params=["edge", "exact"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    spec = CollectionSpec("hashed", "hashed/16", 16, SPARSE.spec.fingerprint, "none", MEAN)
    made = create_edge(tmp_path / "c", spec) if request.param == "edge" else ExactStore(spec)
    yield await filled(made)
    await made.close()


async def hybrid(store: Store, branch: Branch, fusion: str = "dbsf") -> Fused:
    branches = (branch, Branch("dense", "freezer dogs", 10))
    plan = Plan(Query("freezer dogs"), branches, fusion)
    return fuse(await find(plan, ENCODER, SPARSE, store), FUSIONS, {})


@pytest.mark.parametrize("fusion", FUSIONS)
async def test_five_times_a_word_is_the_word_at_weight_five(store: Store, fusion: str) -> None:
    terms = mixed([(SPARSE.query("dogs"), 1.0), (SPARSE.query("freezer"), 5.0)])
    often = await hybrid(store, Branch("bm25", "dogs" + " freezer" * 5, 10), fusion)
    parts = (Part("dogs"), Part("freezer", 5.0))
    for form in (parts, terms):
        found = await hybrid(store, Branch("bm25", "dogs freezer", 10, form), fusion)
        assert found.rankings["bm25"] == often.rankings["bm25"]
        assert found.ranking == often.ranking
    once = await hybrid(store, Branch("bm25", "dogs freezer", 10), fusion)
    assert once.rankings["bm25"][0].chunk_id[-1] == "1"  # about dogs
    assert often.rankings["bm25"][-1].chunk_id[-1] == "1"


async def test_the_weights_of_rm3_are_factors_of_the_scores(store: Store) -> None:
    """Each score is Σ weight · BM25 weight · ln(1 + (N − n + .5) / (n + .5)) over the terms."""

    async def search(request: Search) -> Searched:
        plan = Plan(Query(request.text, request.k), (Branch("bm25", request.text, request.k),), "")
        fused = fuse(await find(plan, ENCODER, SPARSE, store), FUSIONS, {})
        return Searched((await fetch(fused, store)).candidates)

    asked = Asked("freezer", 10, SPARSE, MEAN)
    (branch,) = (await drive(rm3_branch(asked), None, search=search)).result
    assert isinstance(branch.form, SparseVector)
    found = (await hybrid(store, branch)).rankings["bm25+rm3"]
    weights = by_term(branch.form)
    assert len(set(weights.values())) > 3

    documents = [by_term(SPARSE.document(text, MEAN)) for text in TEXTS]
    held = Counter(id_ for document in documents for id_ in document)
    idf = {n: math.log(1 + (len(TEXTS) - n + 0.5) / (n + 0.5)) for n in held.values()}
    expected = {
        f"00000000-0000-0000-0000-{i:012}": math.fsum(
            weights[id_] * weight * idf[held[id_]]
            for id_, weight in document.items()
            if id_ in weights
        )
        for i, document in enumerate(documents)
    }
    scores = {hit.chunk_id: hit.score for hit in found}
    assert scores == pytest.approx({id_: s for id_, s in expected.items() if s}, abs=1e-5)
    assert list(scores.values()) == sorted(scores.values(), reverse=True)
    first = (await search(Search("freezer"))).candidates
    assert {candidate.chunk.id for candidate in first} < set(scores)


async def test_both_stores_score_alike(tmp_path: Path) -> None:
    spec = CollectionSpec("hashed", "hashed/16", 16, SPARSE.spec.fingerprint, "none", MEAN)
    edge, exact = await filled(create_edge(tmp_path / "c", spec)), await filled(ExactStore(spec))
    form = mixed([(SPARSE.query(text), 0.37 * i) for i, text in enumerate(TEXTS, start=1)])
    branch = Branch("bm25", "x", 10, form)
    mine, theirs = [(await hybrid(s, branch)).rankings["bm25"] for s in (edge, exact)]
    assert [hit.chunk_id for hit in mine] == [hit.chunk_id for hit in theirs]
    assert [hit.score for hit in mine] == pytest.approx([hit.score for hit in theirs], abs=1e-5)
    await edge.close()
