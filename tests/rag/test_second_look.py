"""A second look finds what the moved query is near to, and loses nothing of the first."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from indexers.encoders.bm25 import Bm25Encoder
from indexers.encoders.hashed import HashedEncoder
from indexers.stores.exact import ExactStore
from rag.abstain import Floor
from rag.answering.answering import quoting
from rag.errors import StoreUnavailable
from rag.filters import parse_where
from rag.fuse import FUSIONS
from rag.packing import Packing
from rag.parts import Parts
from rag.pipeline import QueryPath
from rag.plan import Defaults
from rag.quoting.choosing import Limits
from rag.seams import CollectionSpec
from rag.second_look import Move
from rag.values import Chunk, FeedbackProbe, Point, Probe, Query, Results, Validity, Vector
from rag.wiring.reranking import MOVES
from rerankers.unchanged import Unchanged

TEXTS = [
    "The freezer holds its cold for two days.",
    "Dogs may come along on every trip.",
    "A power cut is announced a week ahead.",
    "The print shop opens at nine.",
    "Whoever opens the freezer writes the time into the log.",
]
FREEZER = Query("freezer", k=10, branches=("bm25",))


async def parts(move: Move | None) -> Parts:
    encoder, sparse = HashedEncoder(), Bm25Encoder()
    store = ExactStore(CollectionSpec("hashed", "hashed/64", 64, "bm25", "none"))
    vectors = await encoder.encode(TEXTS, "document")
    await store.put(
        [
            Point(
                Chunk(f"c{i}", f"d{i}", text, 0, len(text), metadata={"n": i}),
                vector,
                sparse.document(text, 9.0),
                9,
            )
            for i, (text, vector) in enumerate(zip(TEXTS, vectors, strict=True))
        ]
    )
    await store.mark({"c3": Validity(valid_to="2024-01-01")})
    return Parts(
        encoder=encoder,
        sparse=sparse,
        store=store,
        generator=quoting(encoder, Floor(0.3), Limits(3)),
        defaults=Defaults("dbsf", 2, tuple(FUSIONS)),
        fusions=FUSIONS,
        weights={},
        packing=Packing(3),
        reranker=Unchanged(),
        rerank_depth=3,
        move=move,
    )


def found(query: Query, move: Move | None) -> Results:
    async def ask() -> Results:
        return await QueryPath(await parts(move)).search(query)

    return asyncio.run(ask())


def towards(text: str) -> Move:
    """Moves every query to the place of a text."""
    (place,) = asyncio.run(HashedEncoder().encode([text], "document"))

    def move(query: Vector, passages: Vector, scores: Sequence[float]) -> Probe:
        assert passages.shape == (len(scores), len(query))
        assert list(scores) == sorted(scores, reverse=True)
        return Probe("dense", place, 1)

    return move


def test_the_moved_query_finds_what_the_first_did_not() -> None:
    before, after = found(FREEZER, None), found(FREEZER, towards(TEXTS[3]))
    assert {c.chunk.id for c in before.candidates} == {"c0", "c4"}
    assert {c.chunk.id for c in after.candidates} == {"c0", "c4", "c3"}
    (new,) = (c for c in after.candidates if c.chunk.id == "c3")
    assert new.ranks == {"feedback": 1}
    assert [stage.name for stage in after.trace][-2:] == ["rerank", "feedback"]
    assert (after.trace[-1].status, after.trace[-1].detail) == ("ok", "1 new chunks")
    scores = [c.score for c in after.candidates]
    assert scores == sorted(scores, reverse=True)


def test_what_both_looks_find_rises() -> None:
    after = found(FREEZER, towards(TEXTS[4]))
    assert after.candidates[0].chunk.id == "c4"
    assert after.candidates[0].ranks["feedback"] == 1


def test_the_second_look_finds_what_held_then() -> None:
    for as_of, there in (("2023", True), ("2024", False)):
        query = replace(FREEZER, as_of=as_of)
        after = found(query, towards(TEXTS[3]))
        assert ("c3" in {c.chunk.id for c in after.candidates}) is there


def test_the_second_look_keeps_to_the_querys_conditions_and_its_k() -> None:
    query = replace(FREEZER, where=parse_where({"metadata.n": {"in": [0, 4]}}))
    assert {c.chunk.id for c in found(query, towards(TEXTS[3])).candidates} == {"c0", "c4"}
    assert len(found(replace(FREEZER, k=1), towards(TEXTS[3])).candidates) == 1


def test_there_is_nothing_to_learn_from_one_candidate() -> None:
    after = found(Query("print shop", branches=("bm25",)), towards(TEXTS[0]))
    assert [c.chunk.id for c in after.candidates] == ["c3"]
    assert after.trace[-1].status == "skipped"


@pytest.mark.parametrize("name", MOVES)
def test_every_way_to_move_asks_for_more_of_what_scored_best(name: str) -> None:
    random = np.random.default_rng(5)
    passages = random.standard_normal((6, 16)).astype(np.float32)
    passages /= np.linalg.norm(passages, axis=1, keepdims=True)
    query = (passages.mean(axis=0) / np.linalg.norm(passages.mean(axis=0))).astype(np.float32)
    scores = [5.0, 4.0, 3.0, 2.0, 1.0, 0.0]
    probe = MOVES[name](7)(query, passages, scores)
    assert probe.depth == 7
    if isinstance(probe, FeedbackProbe):
        assert [score for _, score in probe.feedback] == scores
        return
    assert isinstance(probe.vector, np.ndarray)
    gained = passages @ (probe.vector - query)
    assert gained[0] > gained[-1]


@pytest.mark.parametrize("name", MOVES)
def test_every_way_to_move_runs_over_a_store(name: str) -> None:
    after = found(Query("freezer power"), MOVES[name](10))
    assert len({c.chunk.id for c in after.candidates}) == len(TEXTS)
    assert after.trace[-1].status == "ok"


def test_a_store_that_fails_leaves_the_first_look_as_it_is() -> None:
    def move(*_: object) -> Probe:
        raise StoreUnavailable("the store went away")

    before, after = found(FREEZER, None), found(FREEZER, move)
    assert [c.chunk.id for c in after.candidates] == [c.chunk.id for c in before.candidates]
    assert (after.trace[-1].status, after.trace[-1].detail) == ("failed", "the store went away")
