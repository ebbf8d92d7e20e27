"""Folders of models that FirstCite writes: there whole or not at all, with a manifest of the files.

A folder is written beside its place and renamed into it. What a killed process left is swept away
by the next one.
"""

import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.errors import ModelUnavailable

MANIFEST = "firstcite.json"

_SCRATCH = "converting-"
_STALE_S = 3_600


@contextmanager
def written(folder: Path) -> Iterator[Path]:
    """Yield an empty folder, which replaces `folder` when the block ends, unless by an error.

    Raises:
        ModelUnavailable: the folder cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder.parent)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=_SCRATCH) as scratch:
            made = Path(scratch) / "model"
            made.mkdir()
            yield made
            shutil.rmtree(folder, ignore_errors=True)
            made.replace(folder)
    except OSError as error:
        raise ModelUnavailable(
            f"cannot write {folder.parent}: {error.strerror}: set llm.cache to a folder you may "
            "write"
        ) from error


def sha256(file: Path) -> str:
    """Return a file's SHA-256 in hexadecimal digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _sweep(cache: Path) -> None:
    """Remove what conversions that were killed left behind; one under way is younger."""
    for left in cache.glob(f"{_SCRATCH}*"):
        if time.time() - left.stat().st_mtime > _STALE_S:
            shutil.rmtree(left, ignore_errors=True)
