"""Files to read, and what reading them gave."""

from collections.abc import Callable
from pathlib import Path

from indexers.readers import read_paths
from rag.values import Document, Fault

Write = Callable[[str, bytes], Path]


def read(*paths: Path, max_line_bytes: int = 1_000_000) -> list[Document | Fault]:
    return list(read_paths(paths, max_line_bytes=max_line_bytes))


def faults(items: list[Document | Fault]) -> list[str]:
    return [f"{Path(i.source).name}:{i.line}: {i.reason}" for i in items if isinstance(i, Fault)]


def documents(items: list[Document | Fault]) -> list[Document]:
    return [item for item in items if isinstance(item, Document)]


GOOD = b'{"_id": "good", "text": "read"}\n'
