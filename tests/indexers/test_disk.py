"""A full disk and one that is read-only give clear errors, and what was stored stays."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexers.bulk import index
from indexers.split import whole
from indexers.stores.edge import create_edge, open_edge
from indexers.stores.room import RESERVE, need_room, occupied
from rag.errors import StoreUnavailable
from rag.values import Document
from tests.indexers.runs import BM25, ENCODER, SPEC
from tests.indexers.test_bulk_again import everything

pytestmark = pytest.mark.anyio
MB = 1024**2


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, with room for a store and little more."""
    folder = tmp_path / "disk"
    folder.mkdir()
    size = f"size={RESERVE + 60 * MB}"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk is not allowed here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def _remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", disk], check=True)


async def test_a_full_disk_is_said_and_a_later_run_goes_on(disk: Path, tmp_path: Path) -> None:
    documents = [Document(f"d{n}", f"word{n} " * 900) for n in range(4_000)]
    store = create_edge(disk / "c", SPEC)
    with pytest.raises(StoreUnavailable, match=r"MB left, and 256 MB are needed: make room"):
        await index(documents, whole, ENCODER, BM25, store)
    held = await store.count()
    await store.close()
    assert 0 < held < len(documents)
    _remount(disk, f"rw,size={4 * RESERVE}")
    again, clean = open_edge(disk / "c"), create_edge(tmp_path / "clean", SPEC)
    assert await again.count() == held
    for each in (again, clean):
        await index(documents, whole, ENCODER, BM25, each)
    assert await everything(again) == await everything(clean)
    await again.close()
    await clean.close()


async def test_a_read_only_disk_is_said_and_nothing_changes(disk: Path) -> None:
    _remount(disk, f"rw,size={4 * RESERVE}")
    store = create_edge(disk / "c", SPEC)
    await index([Document("d", "text")], whole, ENCODER, BM25, store)
    before = await everything(store)
    await store.close()
    _remount(disk, "ro")
    with pytest.raises(StoreUnavailable, match="Read-only file system"):
        open_edge(disk / "c")
    with pytest.raises(StoreUnavailable, match=r"Read-only file system: set store\.path"):
        create_edge(disk / "new", SPEC)
    _remount(disk, "rw")
    again = open_edge(disk / "c")
    assert await everything(again) == before
    await again.close()


def test_room_is_needed_beyond_what_is_to_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 10_000)
    assert 10_000 <= occupied(tmp_path) < 100_000
    need_room(tmp_path)
    with pytest.raises(StoreUnavailable, match="make room"):
        need_room(tmp_path, 10**15)
