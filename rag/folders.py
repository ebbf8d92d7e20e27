"""Folders of models that FirstCite writes: there whole or not at all, with a manifest of the files.

A folder is written beside its place and renamed into it. What a killed process left is swept away
by the next one.
"""

import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rag.errors import ModelUnavailable
from rag.values import Frozen

MANIFEST = "firstcite.json"

_SCRATCH = "converting-"
_STALE_S = 3_600


@dataclass(frozen=True, slots=True)
class Part(Frozen):
    """A file of a folder."""

    bytes: int
    sha256: str


@contextmanager
def written(
    folder: Path, remedy: str = "set llm.cache to a folder you may write"
) -> Iterator[Path]:
    """Yield an empty folder, which replaces `folder` when the block ends, unless by an error.

    `remedy` says what helps where it cannot be written.

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
            f"cannot write {folder.parent}: {error.strerror}: {remedy}"
        ) from error


def parts(folder: Path) -> dict[str, Part]:
    """Return what a folder holds, by name, but for its manifest."""
    return {
        file.name: Part(file.stat().st_size, sha256(file))
        for file in sorted(folder.iterdir())
        if file.name != MANIFEST
    }


def cut(folder: Path, files: Mapping[str, Part]) -> Path | None:
    """Return the first file that is missing or not of its size, or None."""
    for name, part in files.items():
        file = folder / name
        if not file.is_file() or file.stat().st_size != part.bytes:
            return file
    return None


def sha256(file: Path) -> str:
    """Return a file's SHA-256 in hexadecimal digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _sweep(cache: Path) -> None:
    """Remove what conversions that were killed left behind; one under way is younger."""
    for left in cache.glob(f"{_SCRATCH}*"):
        if time.time() - left.stat().st_mtime > _STALE_S:
            shutil.rmtree(left, ignore_errors=True)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, or of all files below a folder with their names.

    A folder's is that of the lines which `sha256sum` prints for its files, in the order of their
    names.
    """
    if path.is_file():
        return sha256(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    told = "".join(f"{sha256(file)}  {file.relative_to(path).as_posix()}\n" for file in files)
    return hashlib.sha256(told.encode()).hexdigest()
