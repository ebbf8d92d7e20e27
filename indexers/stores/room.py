"""Room on the disk, looked at before the engine writes.

Qdrant writes through memory maps: on a full disk the kernel ends the process (SIGBUS), and there is
no error to catch.
"""

import os
import shutil
from pathlib import Path

from rag.errors import StoreUnavailable

RESERVE = 256 * 1024**2  # bytes; measured: the engine has up to 100 MB of maps not yet filled


def need_room(folder: Path, more: int = 0) -> None:
    """Return if the disk of a folder has room for `more` bytes and the engine's own files.

    Raises:
        StoreUnavailable: it has not. Nothing was written.
    """
    free = shutil.disk_usage(folder).free
    if free < RESERVE + more:
        raise StoreUnavailable(
            f"the disk of {folder} has {_mb(free)} MB left, and {_mb(RESERVE + more)} MB are "
            "needed: make room, or set store.path to another disk. What was written stays; run it "
            "again to go on"
        )


def occupied(folder: Path) -> int:
    """Return the bytes that a folder's files have on the disk; holes do not count."""
    files = (Path(where, name) for where, _, names in os.walk(folder) for name in names)
    return sum(file.lstat().st_blocks * 512 for file in files)


def _mb(size: int) -> str:
    return f"{size / 1024**2:,.0f}"
