"""Whatever stops a run, what was put stays, and running again finishes it."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from indexers.bulk import Progress, index
from indexers.bulk.windows import WINDOW
from indexers.encoders.hashed import HashedEncoder
from indexers.stores.edge import create_edge, open_edge
from indexers.stores.exact import ExactStore
from rag.errors import StoreUnavailable
from rag.seams import CollectionSpec
from rag.values import Document, Point, SparseVector, Vector
from tests.indexers import killed
from tests.indexers.runs import (
    BM25,
    ENCODER,
    GUIDE,
    LONG,
    NOTES,
    SPEC,
    bm25_scores,
    ids,
    lines,
    run,
)

pytestmark = pytest.mark.anyio


class FailingStore(ExactStore):
    """Fails at a given put, once."""

    def __init__(self, spec: CollectionSpec, at: int) -> None:
        super().__init__(spec)
        self.left = at

    async def put(self, points: Sequence[Point]) -> None:
        self.left -= 1
        if self.left == 0:
            raise StoreUnavailable("disk full")
        await super().put(points)


MANY = [Document(f"d{n}", f"freezer {n}\ncold power") for n in range(WINDOW + 200)]  # 3 windows


@pytest.fixture(scope="module")
def whole_run() -> ExactStore:
    """The store of one run over `MANY` that nothing stopped."""
    store = ExactStore(SPEC)
    asyncio.run(run(store, MANY))
    return store


@pytest.mark.parametrize("at", [1, 2, 3])
async def test_a_store_that_fails_keeps_what_was_put_and_the_next_run_finishes(
    at: int, whole_run: ExactStore
) -> None:
    clean, store = whole_run, FailingStore(SPEC, at)
    with pytest.raises(StoreUnavailable, match="disk full"):
        await run(store, MANY)
    assert await store.count() == WINDOW * (at - 1)
    await run(store, MANY)
    assert await ids(store) == await ids(clean)
    assert await store.info() == await clean.info()
    assert await bm25_scores(store, "freezer 7 power") == await bm25_scores(
        clean, "freezer 7 power"
    )


async def test_after_a_failure_a_run_over_other_documents_takes_back_what_is_half_written() -> None:
    store, clean = FailingStore(SPEC, 2), ExactStore(SPEC)
    with pytest.raises(StoreUnavailable):
        await run(store, MANY)
    assert not (await store.info()).settled
    half = [record async for page in store.survey(unfinished=True) for record in page]
    assert half
    report = await run(store, LONG)
    assert report.finished == len(half)
    whole = [record async for page in store.survey() for record in page]
    assert {record.state for record in whole} == {"whole"}
    named = {record.document_id for record in whole}
    await run(clean, [*(document for document in MANY if document.id in named), *LONG])
    assert await ids(store) == await ids(clean)
    assert await store.info() == await clean.info()
    assert await bm25_scores(store, "freezer 7") == await bm25_scores(clean, "freezer 7")


class FailingToWeigh(ExactStore):
    """Fails at the second page of new weights, once."""

    left = 2

    async def reweigh(self, vectors: Mapping[str, SparseVector]) -> None:
        self.left -= 1
        if self.left == 0:
            raise StoreUnavailable("disk full")
        await super().reweigh(vectors)


async def test_weights_that_a_failed_run_left_in_another_measure_are_renewed() -> None:
    store, clean = FailingToWeigh(SPEC), ExactStore(SPEC)
    await run(store, MANY)
    assert store.left == 2
    long = [replace(document, text=document.text * 9) for document in LONG] * 1
    long = [replace(d, id=f"{d.id} {n}") for d in long for n in range(10)]
    with pytest.raises(StoreUnavailable):
        await run(store, long)
    assert (await store.info()).mean_length == 0.0  # of several minds
    another = Document("another", "freezer again")
    assert (await run(store, [another])).reweighed == await store.count()
    await run(clean, [*MANY, *long, another])
    assert await store.info() == await clean.info()
    assert await bm25_scores(store, "freezer 7") == await bm25_scores(clean, "freezer 7")


class FailingEncoder(HashedEncoder):
    """Fails at the second call."""

    calls = 0

    async def encode(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vector:
        self.calls += 1
        if self.calls == 2:
            raise MemoryError("too much")
        return await super().encode(texts, kind)


async def test_an_encoder_that_fails_lets_the_write_in_flight_end() -> None:
    store = ExactStore(SPEC)
    with pytest.raises(MemoryError):
        await index(MANY, lines, FailingEncoder(16), BM25, store)
    assert await store.count() == WINDOW


async def test_a_source_of_documents_that_fails_leaves_what_was_there() -> None:
    def broken() -> Iterator[Document]:
        yield GUIDE
        raise OSError("the disk is gone")

    store = ExactStore(SPEC)
    await run(store, [NOTES])
    before = await ids(store), await store.info()
    with pytest.raises(OSError, match="the disk is gone"):
        await run(store, broken())
    assert (await ids(store), await store.info()) == before


async def test_a_cancelled_run_ends_and_the_next_one_finishes(tmp_path: Path) -> None:
    store = create_edge(tmp_path / "c", SPEC)
    halfway = asyncio.Event()

    def watch(progress: Progress) -> None:
        if progress.stage == "encode" and progress.done >= WINDOW:
            halfway.set()

    task = asyncio.create_task(index(MANY, lines, ENCODER, BM25, store, watch))
    await halfway.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await store.count() < 2 * len(MANY)
    await run(store, MANY)
    assert await store.count() == 2 * len(MANY)
    await store.close()


def _index(folder: Path, version: str) -> None:
    asyncio.run(killed.index_into(folder, version, lambda _: None))


def _index_and_kill(folder: Path, version: str) -> None:
    command = [sys.executable, "-m", "tests.indexers.killed", str(folder), version]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "halfway\n"
        process.kill()
        assert process.wait() == -9


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of one run that nobody killed."""
    folder = tmp_path_factory.mktemp("clean") / "c"
    _index(folder, "new")
    return folder


@pytest.mark.parametrize("before", ["nothing", "an older version"])
def test_a_killed_run_is_finished_by_running_again(
    tmp_path: Path, clean: Path, before: str
) -> None:
    used = tmp_path / "used"
    if before == "an older version":
        _index(used, "old")
    _index_and_kill(used, "new")

    async def state(folder: Path) -> tuple[list[str], CollectionSpec, dict[str, float]]:
        store = open_edge(folder)
        try:
            return await ids(store), await store.info(), await bm25_scores(store, "new power 7")
        finally:
            await store.close()

    halfway, _, _ = asyncio.run(state(used))
    assert len(halfway) >= WINDOW  # the first window had been acknowledged
    assert halfway != asyncio.run(state(clean))[0]
    _index(used, "new")
    found, expected = asyncio.run(state(used)), asyncio.run(state(clean))
    assert found[0] == expected[0]
    assert len(found[0]) == killed.DOCUMENTS
    assert found[1] == expected[1]
    assert found[2] == pytest.approx(expected[2], abs=1e-4)
