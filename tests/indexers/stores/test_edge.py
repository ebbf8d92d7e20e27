"""The embedded store outlives its process, admits one at a time, and knows its own folders."""

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from anyio import to_thread

from indexers.stores.edge import create_edge, open_edge
from indexers.stores.edge_folder import edge_exists
from rag.errors import CollectionMismatch, StoreLocked, StoreUnavailable
from rag.seams import CollectionSpec
from rag.values import Chunk, Condition, Lookup, Point, Probe, SparseVector

pytestmark = pytest.mark.anyio

SPEC = CollectionSpec("hashed", "hashed/2", 2, "bm25", "none", 3.5)
BOTH = (
    Probe("dense", np.array([1, 0], np.float32), 10),
    Probe("bm25", SparseVector((1,), (1.0,)), 10),
)


def id_of(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012}"


def point(number: int, term: int = 1) -> Point:
    chunk = Chunk(id_of(number), f"d{number}", "text", 0, 4, metadata={"odd": bool(number % 2)})
    return Point(chunk, np.array([1, 0], np.float32), SparseVector((term,), (1.0,)), 1)


async def test_a_closed_collection_opens_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "collections" / "handbook"
    assert not edge_exists(folder)
    store = create_edge(folder, SPEC)
    assert edge_exists(folder)
    await store.put([point(n) for n in range(1, 6)])
    await store.drop("default", ["d3"])
    await store.reweigh({id_of(1): SparseVector((1,), (9.0,))})
    stamped = CollectionSpec("hashed", "hashed/2", 2, "bm25", "none", 1.25)
    await store.stamp(stamped)
    await store.optimize()
    before, chunks = await store.find(Lookup(BOTH)), await store.get([id_of(2)], None)
    await store.close()

    again = open_edge(folder)
    assert await again.info() == stamped
    assert await again.count() == 4
    assert await again.find(Lookup(BOTH)) == before
    assert await again.get([id_of(2)], None) == chunks
    odd = Lookup(BOTH, where=(Condition("metadata.odd", "eq", True),))
    assert [hit.chunk_id for hit in (await again.find(odd))["dense"]] == [id_of(1), id_of(5)]
    await again.put([point(6)])
    assert await again.count() == 5
    await again.close()


async def test_what_was_put_survives_a_process_that_never_closed(tmp_path: Path) -> None:
    script = f"""
import asyncio, os, numpy as np
from pathlib import Path
from indexers.stores.edge import create_edge
from rag.seams import CollectionSpec
from rag.values import Chunk, Point, SparseVector

async def main():
    store = create_edge(Path({str(tmp_path / "c")!r}), CollectionSpec("h", "h", 2, "b", "none"))
    vector = np.array([1, 0], np.float32)
    await store.put([
        Point(Chunk(f"00000000-0000-0000-0000-{{n:012}}", "d", "t", 0, 1), vector,
              SparseVector((1,), (1.0,)), 1)
        for n in range(1_000)
    ])
    os._exit(9)

asyncio.run(main())
"""
    assert await to_thread.run_sync(_exit_code, script) == 9
    store = open_edge(tmp_path / "c")
    assert await store.count() == 1_000
    await store.close()


def _exit_code(script: str) -> int:
    return subprocess.run([sys.executable, "-c", script], check=False).returncode


async def test_a_second_opening_is_refused_and_names_the_remedy(tmp_path: Path) -> None:
    store = create_edge(tmp_path / "c", SPEC)
    with pytest.raises(StoreLocked, match=r"open in another process.*stop it.*store\.url"):
        open_edge(tmp_path / "c")
    await store.put([point(1)])  # the first is not harmed
    await store.close()
    await open_edge(tmp_path / "c").close()


async def test_a_collection_that_is_being_created_is_not_created_again(tmp_path: Path) -> None:
    store = create_edge(tmp_path / "c", SPEC)
    await store.put([point(1)])
    (tmp_path / "c" / "collection.json").unlink()  # as if it had not got there yet
    with pytest.raises(StoreLocked):
        create_edge(tmp_path / "c", SPEC)
    assert await store.count() == 1
    await store.close()


@pytest.mark.parametrize("missing", [[], ["wal"], ["edge_config.json", "segments"], ["*"]], ids=str)
async def test_whatever_a_killed_creation_left_is_replaced(
    tmp_path: Path, missing: list[str]
) -> None:
    store = create_edge(tmp_path / "c", SPEC)
    await store.put([point(1)])
    await store.close()
    (tmp_path / "c" / "collection.json").unlink()
    for pattern in missing:
        for path in (tmp_path / "c" / "points").glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert not edge_exists(tmp_path / "c")
    again = create_edge(tmp_path / "c", SPEC)
    assert await again.count() == 0
    await again.put([point(2)])
    assert dict(await again.find(Lookup(BOTH))).keys() == {"dense", "bm25"}
    await again.close()


async def test_a_folder_of_somebody_else_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "c" / "points").mkdir(parents=True)
    mine = tmp_path / "c" / "points" / "holiday.jpg"
    mine.write_bytes(b"x")
    with pytest.raises(StoreUnavailable, match=r"holds 'holiday\.jpg'.*store\.path"):
        create_edge(tmp_path / "c", SPEC)
    assert mine.read_bytes() == b"x"
    assert list((tmp_path / "c" / "points").iterdir()) == [mine]


async def test_a_folder_that_cannot_be_written_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StoreUnavailable, match=r"cannot write .*file.*store\.path"):
        create_edge(tmp_path / "file" / "c", SPEC)


async def test_a_collection_of_another_schema_is_refused(tmp_path: Path) -> None:
    await create_edge(tmp_path / "c", SPEC).close()
    file = tmp_path / "c" / "collection.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "schema_version": 1}))
    with pytest.raises(CollectionMismatch, match=r"schema 1, this version writes 2.*--collection"):
        open_edge(tmp_path / "c")
    file.write_text('{"schema_version": 7, "everything": "else is new"}')
    with pytest.raises(CollectionMismatch, match="schema 7"):
        open_edge(tmp_path / "c")


async def test_a_damaged_description_is_refused(tmp_path: Path) -> None:
    await create_edge(tmp_path / "c", SPEC).close()
    for content in (b"", b"{", b"[]", b"null", b"\xff", b"{}", b'{"encoder": 3}', b'{"x": "1"}'):
        (tmp_path / "c" / "collection.json").write_bytes(content)
        with pytest.raises(StoreUnavailable, match=r"cannot read .*collection\.json.*index anew"):
            open_edge(tmp_path / "c")


async def test_a_description_without_points_is_refused_as_damaged_not_as_locked(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "blocked locks" / "c"
    await create_edge(folder, SPEC).close()
    for segment in (folder / "points" / "segments").iterdir():
        (segment / "segment.json").write_text("{")
    with pytest.raises(StoreUnavailable, match="cannot open"):
        open_edge(folder)
    shutil.rmtree(folder / "points")
    with pytest.raises(StoreUnavailable, match="cannot open"):
        open_edge(folder)


async def test_deleted_chunks_leave_the_statistics_when_the_run_optimizes(tmp_path: Path) -> None:
    # Term 1 stands in 10 of 40 chunks, then in 2 of 32.
    store = create_edge(tmp_path / "c", SPEC)
    await store.put([point(n, term=1 if n <= 10 else 2) for n in range(1, 41)])
    await store.drop("default", [f"d{n}" for n in range(3, 11)])
    await store.optimize()
    scores = [hit.score for hit in (await store.find(Lookup(BOTH)))["bm25"]]
    idf = math.log(1 + (32 - 2 + 0.5) / (2 + 0.5))
    assert scores == pytest.approx([idf, idf], abs=1e-4)
    await store.close()


async def test_an_engine_that_refuses_is_an_unavailable_store(tmp_path: Path) -> None:
    store = create_edge(tmp_path / "c", SPEC)
    wrong = Lookup((Probe("dense", np.ones(3, np.float32), 1),))
    with pytest.raises(StoreUnavailable, match=r"the store in .*c failed: .*dim"):
        await store.find(wrong)
    assert await store.count() == 0
    await store.close()
