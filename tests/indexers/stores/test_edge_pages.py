"""A process killed while the engine adds a page leaves a collection that opens, whole."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from indexers.stores.edge import create_edge, open_edge
from indexers.stores.edge_pages import drop_unused_pages
from rag.errors import StoreLocked, StoreUnavailable
from rag.values import Lookup
from tests.indexers.stores.test_edge import BOTH, SPEC, id_of, point

pytestmark = pytest.mark.anyio

STORES = ("vector_storage-bm25/store", "payload_storage", "payload_index/*-document-map")


async def filled(folder: Path) -> None:
    store = create_edge(folder, SPEC)
    await store.put([point(n) for n in range(1, 6)])
    await store.close()


def pages_of(folder: Path, kept_in: str) -> Path:
    (found,) = folder.glob(f"points/segments/*/{kept_in}/page_0.dat")
    return found.parent


def add_page(pages: Path) -> Path:
    """Do the first half of what the engine does to add a page."""
    new = pages / "page_1.dat"
    with new.open("wb") as file:
        file.truncate((pages / "page_0.dat").stat().st_size)
    return new


@pytest.mark.parametrize("kept_in", STORES)
async def test_a_page_too_many_is_dropped_and_nothing_else(tmp_path: Path, kept_in: str) -> None:
    await filled(tmp_path / "c")
    new = add_page(pages_of(tmp_path / "c", kept_in))
    store = open_edge(tmp_path / "c")
    assert not new.exists()
    found = (await store.find(Lookup(BOTH)))["bm25"]
    assert sorted(hit.chunk_id for hit in found) == [id_of(n) for n in range(1, 6)]
    await store.put([point(6)])
    await store.close()
    again = open_edge(tmp_path / "c")
    assert await again.count() == 6
    await again.close()


async def test_pages_of_several_stores_and_one_not_yet_of_full_length(tmp_path: Path) -> None:
    await filled(tmp_path / "c")
    for kept_in in STORES:
        add_page(pages_of(tmp_path / "c", kept_in)).write_bytes(b"")
    store = open_edge(tmp_path / "c")
    assert await store.count() == 5
    await store.close()
    assert drop_unused_pages(tmp_path / "c" / "points") == 0


async def test_a_page_that_holds_something_is_never_dropped(tmp_path: Path) -> None:
    await filled(tmp_path / "c")
    pages = pages_of(tmp_path / "c", STORES[0])
    shutil.copy(pages / "page_0.dat", pages / "page_1.dat")  # five vectors are in it
    with pytest.raises(StoreUnavailable, match="restore it or index anew"):
        open_edge(tmp_path / "c")
    assert (pages / "page_1.dat").exists()


async def test_a_missing_page_is_damage(tmp_path: Path) -> None:
    await filled(tmp_path / "c")
    (pages_of(tmp_path / "c", STORES[0]) / "page_0.dat").unlink()
    with pytest.raises(StoreUnavailable, match="restore it or index anew"):
        open_edge(tmp_path / "c")


async def test_a_layout_that_is_not_understood_is_left_alone(tmp_path: Path) -> None:
    await filled(tmp_path / "c")
    pages = pages_of(tmp_path / "c", STORES[0])
    new = add_page(pages)
    (pages / "config.json").write_text('{"page_size_bytes": "large"}')
    with pytest.raises(StoreUnavailable, match="restore it or index anew"):
        open_edge(tmp_path / "c")
    assert new.exists()


def error_of(script: str) -> str:
    """Run a script in a process of its own and return what it wrote of its error."""
    run = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    return run.stderr.decode()


async def test_the_page_that_another_process_is_adding_stays(tmp_path: Path) -> None:
    store = create_edge(tmp_path / "c", SPEC)
    new = add_page(pages_of(tmp_path / "c", STORES[0]))
    script = (
        "from indexers.stores.edge import open_edge; from pathlib import Path;"
        f"open_edge(Path({str(tmp_path / 'c')!r}))"
    )
    assert StoreLocked.__name__ in error_of(script)
    assert new.exists()
    await store.put([point(1)])
    await store.close()
