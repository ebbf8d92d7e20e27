"""A collection is built anew while it is searched: every search finds everything, at any time."""

import asyncio
import gc
import math
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import pytest

from indexers.bulk import Options, Progress, index
from indexers.bulk.windows import WINDOW
from indexers.encoders.hashed import HashedEncoder
from indexers.splitting.pieces import Split, whole
from rag.errors import CollectionMismatch, CollectionNotFound, StoreLocked, StoreUnavailable
from rag.pipeline import QueryPath
from rag.seams import Store
from rag.sections import (
    AnswerSettings,
    IndexSettings,
    SearchSettings,
    SparseSettings,
    StoreSettings,
)
from rag.settings import Settings
from rag.values import Document, Query, Vector
from rag.wiring import Engine
from tests.indexers.lossless import by_line

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant"),
]

FEW = [Document(f"d{n}", f"freezer cold\npower {n}") for n in range(20)]
ALL = {document.id for document in FEW}


class CountingEncoder(HashedEncoder):
    """Counts the documents that it reads, is slow, and reads no more than it is told to."""

    def __init__(self, name: str = "hashed", most: float = math.inf) -> None:
        super().__init__(16, name)
        self.read = 0
        self.most = most

    async def encode(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vector:
        if kind == "document":
            await asyncio.sleep(0.02)  # so that searches run meanwhile
            if self.read >= self.most:
                raise StoreUnavailable("the encoder is gone")
            self.read += len(texts)
        return await super().encode(texts, kind)


@dataclass
class Place:
    """A store, and the engines over it."""

    store: StoreSettings
    engines: list[Engine] = field(default_factory=list)

    def engine(
        self,
        encoder: HashedEncoder | None = None,
        split: Split = whole,
        **sections: msgspec.Struct,
    ) -> Engine:
        index = IndexSettings(splitter="none" if split is whole else "recursive", chunk_tokens=16)
        settings = Settings(
            store=self.store,
            index=index,
            search=SearchSettings(preset="fast"),
            answer=AnswerSettings(floor=-1),
        )
        changed = msgspec.structs.replace(settings, **sections)
        self.engines.append(Engine(changed, encoder or CountingEncoder(), split))
        return self.engines[-1]


@pytest.fixture(params=["edge", "server in memory"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    url = "" if request.param == "edge" else ":memory:"
    made = Place(StoreSettings(path=str(tmp_path / "store"), url=url))
    yield made
    for engine in made.engines:
        await engine.close()


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Place]:
    made = Place(StoreSettings(path=str(tmp_path / "store")))
    yield made
    for engine in made.engines:
        await engine.close()


async def found(path: QueryPath) -> set[str]:
    """The documents that a search for all of them finds."""
    results = await path.search(Query("freezer cold power", k=200))
    return {candidate.chunk.document_id for candidate in results.candidates}


async def physical(engine: Engine, name: str = "pets") -> str | None:
    return await engine.collections.catalogue().resolve(name)


async def searched_during(
    engine: Engine, work: asyncio.Task[object], wanted: Iterable[str]
) -> list[QueryPath]:
    """Search until the work is done, and a little longer, each time completely."""
    paths, after = [], 5
    while after:
        after -= work.done()
        path = await engine.collection("pets")
        assert await found(path) == set(wanted)
        paths.append(path)
    return paths


async def contents(engine: Engine, name: str = "pets") -> tuple[object, ...]:
    """What a collection was built with, and its points, vectors rounded."""
    store = (await engine.collection(name)).parts.store
    points = [point async for page in store.scan() for point in page]
    rows = [
        (p.chunk, p.length, p.sparse.indices, np.round(p.dense, 5).tolist())
        for p in sorted(points, key=lambda point: point.chunk.id)
    ]
    records = [record async for page in store.survey() for record in page]
    return await store.info(), rows, records


async def test_every_search_is_complete_while_a_collection_is_split_anew(place: Place) -> None:
    engine = place.engine(split=by_line)
    await engine.index(FEW, "pets")
    before = await engine.collection("pets")
    work: asyncio.Task[object] = asyncio.create_task(engine.reindex("pets", place.engine()))
    paths = await searched_during(engine, work, ALL)
    await work
    assert await physical(engine) == "pets@2"
    now = await engine.collection("pets")
    assert {id(path) for path in paths} == {id(before), id(now)}
    assert await found(before) == ALL, "a search that has begun in the old one ends there"
    assert await (before.parts.store).count() == 2 * len(FEW)
    assert await (now.parts.store).count() == len(FEW)


@pytest.mark.parametrize("encoder", ["hashed", "other"])
async def test_an_engine_that_the_new_collection_does_not_fit_stays_with_the_old_one(
    edge: Place, encoder: str
) -> None:
    engine = edge.engine()
    await engine.index(FEW, "pets")
    before = await engine.collection("pets")
    target = edge.engine(CountingEncoder(encoder), sparse=SparseSettings(k1=1.5))
    work: asyncio.Task[object] = asyncio.create_task(engine.reindex("pets", target))
    paths = await searched_during(engine, work, ALL)
    await work
    assert all(path is before for path in paths)
    assert await found(await target.collection("pets")) == ALL
    engine.collections.look_again("pets")
    assert await engine.collection("pets") is before
    await target.close()
    with pytest.raises(CollectionMismatch, match="firstcite reindex"):
        await engine.index([Document("new", "text")], "pets")
    assert await engine.collection("pets") is before


async def test_a_collection_of_other_settings_is_refused_until_it_is_reindexed(
    edge: Place,
) -> None:
    first = edge.engine()
    await first.index(FEW, "pets")
    await first.close()
    again, fresh = edge.engine(CountingEncoder("other")), edge.engine(CountingEncoder("other"))
    with pytest.raises(CollectionMismatch, match="firstcite reindex --collection pets"):
        await again.collection("pets")
    done = await again.reindex("pets")
    assert (done.before, done.now) == ("pets@1", "pets@2")
    assert (done.report.documents, done.report.encoded) == (len(FEW), len(FEW))
    await fresh.index(FEW, "fresh")
    assert await contents(again) == await contents(fresh, "fresh")


@pytest.mark.parametrize(
    "sparse", [SparseSettings(k1=1.5), SparseSettings(language="german")], ids=["k1", "language"]
)
async def test_vectors_are_copied_where_encoder_and_splitter_are_the_same(
    edge: Place, sparse: SparseSettings
) -> None:
    first = edge.engine(split=by_line)
    await first.index(FEW, "pets")
    await first.close()
    encoder = CountingEncoder()
    again = edge.engine(encoder, by_line, sparse=sparse)
    report = (await again.reindex("pets")).report
    assert (encoder.read, report.encoded, report.chunks) == (0, 0, 2 * len(FEW))
    fresh = edge.engine(split=by_line, sparse=sparse)
    await fresh.index(FEW, "fresh")
    assert await contents(again) == await contents(fresh, "fresh")


async def test_a_failure_leaves_the_old_one_serving_and_the_next_run_goes_on(edge: Place) -> None:
    many = [Document(f"d{n}", f"freezer {n}\ncold {n}") for n in range(WINDOW // 2 + 50)]
    engine = edge.engine()
    await engine.index(many, "pets")
    failing, target = edge.engine(CountingEncoder(most=1), by_line), CountingEncoder()
    with pytest.raises(StoreUnavailable, match="the encoder is gone"):
        await engine.reindex("pets", failing)
    assert await physical(engine) == "pets@1"
    assert len(await found(await engine.collection("pets"))) == 200
    report = (await engine.reindex("pets", edge.engine(target, by_line))).report
    assert await physical(engine) == "pets@2"
    assert (target.read, report.unchanged) == (100, WINDOW // 2)
    assert await (await engine.collection("pets")).parts.store.count() == 2 * len(many)


async def test_what_was_deleted_between_two_attempts_is_not_in_the_new_one(edge: Place) -> None:
    given = [Document(f"d{n}", f"freezer {n}", source=f"/a/{n}") for n in range(5)]
    first = edge.engine()
    await first.index(given, "pets")
    catalogue, target = first.collections.catalogue(), edge.engine(split=by_line)
    _, half = await catalogue.create("pets", target.collections.spec)
    await rebuild_into(half, given, target)
    await first.index(given[1:], "pets", options=Options(prune=("/a",)))
    await first.reindex("pets", target)
    assert await physical(first) == "pets@2"
    assert await found(await first.collection("pets")) == {"d1", "d2", "d3", "d4"}
    spec = await (await first.collection("pets")).parts.store.info()
    assert (spec.chunks, spec.settled) == (4, True)


async def test_a_half_built_collection_of_other_settings_is_left_alone(edge: Place) -> None:
    engine = edge.engine()
    await engine.index(FEW, "pets")
    catalogue = engine.collections.catalogue()
    _, other = await catalogue.create("pets", edge.engine(CountingEncoder("x")).collections.spec)
    await other.close()
    assert (await engine.reindex("pets", edge.engine(split=by_line))).now == "pets@3"
    assert await catalogue.physicals() == ("pets@1", "pets@2", "pets@3")


async def test_a_damaged_document_stops_a_reindex_before_anything_is_switched(
    place: Place,
) -> None:
    engine = place.engine(split=by_line)
    await engine.index(FEW, "pets")
    store = (await engine.collection("pets")).parts.store
    ((chunk, *_),) = by_line(FEW[:1])
    await store.remove([chunk.id])
    with pytest.raises(StoreUnavailable, match=f"'{FEW[0].id}'.* is damaged"):
        await engine.reindex("pets", place.engine())
    assert await physical(engine) == "pets@1"
    assert await found(await engine.collection("pets")) == ALL


async def test_nothing_to_reindex_names_the_command(place: Place) -> None:
    with pytest.raises(CollectionNotFound, match="firstcite index PATH --collection pets"):
        await place.engine().reindex("pets")


async def test_what_is_indexed_during_a_reindex_is_in_the_new_collection(place: Place) -> None:
    engine = place.engine(split=by_line)
    await engine.index(FEW, "pets")
    late = Document("late", "freezer cold")
    again = place.engine(split=by_line, sparse=SparseSettings())
    _, report = await asyncio.gather(engine.reindex("pets", again), engine.index([late], "pets"))
    assert report.new == 1
    assert await physical(engine) == "pets@2"
    assert await found(await engine.collection("pets")) == {*ALL, "late"}


async def test_an_old_collection_is_released_once_nobody_searches_it(edge: Place) -> None:
    engine = edge.engine(split=by_line)
    await engine.index(FEW, "pets")
    before = await engine.collection("pets")
    await engine.reindex("pets", edge.engine())
    with pytest.raises(StoreLocked):
        await engine.collections.catalogue().drop("pets@1")
    assert await found(before) == ALL
    await engine.collection("pets")
    del before
    gc.collect()
    await engine.collections.catalogue().drop("pets@1")
    assert await found(await engine.collection("pets")) == ALL


async def test_a_name_that_somebody_else_switched_is_followed_where_it_fits(place: Place) -> None:
    engine = place.engine()
    await engine.index(FEW, "pets")
    before = await engine.collection("pets")
    catalogue = engine.collections.catalogue()
    for encoder, fits in (("other", False), ("hashed", True)):
        target = place.engine(CountingEncoder(encoder))
        now, store = await catalogue.create("pets", target.collections.spec)
        await rebuild_into(store, FEW[:3], target)
        await catalogue.point("pets", now)
        engine.collections.look_again("pets")
        assert (await engine.collection("pets") is not before) == fits
    assert await found(await engine.collection("pets")) == {"d0", "d1", "d2"}
    assert await found(before) == ALL
    await catalogue.forget("pets")
    engine.collections.look_again("pets")
    with pytest.raises(CollectionNotFound):
        await engine.collection("pets")


async def rebuild_into(store: Store, given: Sequence[Document], target: Engine) -> None:
    """Index documents as an engine would, and close the store."""
    await index(given, target.split, target.encoder, target.sparse, store)
    await store.close()


async def test_closing_an_engine_closes_what_is_still_searched_too(edge: Place) -> None:
    engine = edge.engine(split=by_line)
    await engine.index(FEW, "pets")
    before = await engine.collection("pets")
    await engine.reindex("pets", edge.engine())
    await engine.close()
    again = edge.engine().collections.catalogue()
    for name in ("pets@1", "pets@2"):
        await (await again.open(name)).close()  # which a locked one would refuse
    assert before.parts.store is not None, "kept until here: it was not simply forgotten"


async def test_a_collection_that_was_left_is_not_built_into_again(edge: Place) -> None:
    engine = edge.engine(split=by_line)
    await engine.index(FEW, "pets")
    before = await engine.collection("pets")
    for target, now in ((edge.engine(), "pets@2"), (edge.engine(split=by_line), "pets@3")):
        assert (await engine.reindex("pets", target)).now == now
    await engine.index([Document("late", "freezer")], "pets")
    assert await found(before) == ALL


@pytest.mark.parametrize("stage", ["rebuild", "read", "encode"])
async def test_a_cancelled_reindex_ends_and_the_next_one_finishes(edge: Place, stage: str) -> None:
    engine = edge.engine(split=by_line)
    await engine.index(FEW, "pets")
    reached = asyncio.Event()
    target = edge.engine(CountingEncoder("other"), by_line)

    def watch(progress: Progress) -> None:
        if progress.stage == stage:
            reached.set()

    work = asyncio.create_task(engine.reindex("pets", target, watch))
    await reached.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert await physical(engine) == "pets@1"
    assert await found(await engine.collection("pets")) == ALL
    assert (await engine.reindex("pets", target)).now == "pets@2"
    assert await found(await target.collection("pets")) == ALL
