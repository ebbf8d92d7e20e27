"""What a kill leaves of a page that the embedded engine was about to add to one of its stores.

The engine keeps vectors and payloads in pages of 32 MiB beside a mask of their used blocks, and
derives the number of pages from the length of the mask. It adds a page by making the page's file,
then lengthening the mask. A process that is killed between the two leaves a page too many, and the
engine will not open the collection again. The page is still empty then: the engine writes to a page
when the mask covers it, and what was meant for it is in the write-ahead log. So the file can go.
(Qdrant's `gridstore`, `create_new_page` and `open`, to release 1.18.)
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec


class _Layout(msgspec.Struct):
    page_size_bytes: int
    block_size_bytes: int


def drop_unused_pages(points: Path) -> int:
    """Remove the empty pages of a closed shard that no mask covers, and return their number.

    Raises:
        BlockingIOError: somebody else has the shard open, and may be adding that page right now.
        OSError: a file cannot be read or removed.
        msgspec.DecodeError: the engine lays its pages out in another way.
    """
    with _alone(points / "wal"):
        beyond = [page for mask in points.rglob("bitmask.dat") for page in _beyond(mask)]
        unused = [page for page in beyond if page.stat().st_size == page.read_bytes().count(0)]
        for page in unused:
            page.unlink()
    return len(unused)


def _beyond(mask: Path) -> list[Path]:
    """Return the files of the pages that a mask, of one bit per block, does not reach."""
    layout = msgspec.json.decode((mask.parent / "config.json").read_bytes(), type=_Layout)
    covered = mask.stat().st_size * 8 * layout.block_size_bytes // layout.page_size_bytes
    pages = mask.parent.glob("page_*.dat")
    return [page for page in pages if int(page.stem.removeprefix("page_")) >= covered]


@contextmanager
def _alone(log: Path) -> Iterator[None]:
    """Hold the lock by which the engine keeps a second process out of a shard."""
    folder = os.open(log, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(folder)  # which lets the lock go
