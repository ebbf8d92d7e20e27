"""Files to read, and what reading them gave."""

from collections.abc import Callable
from pathlib import Path

from indexers.reading import read_paths
from indexers.reading.inputs import Read
from rag.sections import IndexSettings
from rag.values import Document, Fault, Notice

Write = Callable[[str, bytes], Path]


def read(*paths: Path, max_line_bytes: int = 1_000_000) -> list[Read]:
    return list(read_paths(paths, limits=IndexSettings(max_line_bytes=max_line_bytes)))


def faults(items: list[Read]) -> list[str]:
    return [f"{Path(i.source).name}:{i.line}: {i.reason}" for i in items if isinstance(i, Fault)]


def notices(items: list[Read]) -> list[str]:
    return [f"{Path(i.source).name}: {i.reason}" for i in items if isinstance(i, Notice)]


def documents(items: list[Read]) -> list[Document]:
    return [item for item in items if isinstance(item, Document)]


GOOD = b'{"_id": "good", "text": "read"}\n'
