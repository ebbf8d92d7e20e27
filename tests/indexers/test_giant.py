"""A single text of 200 MB: every character of it is in the index, and memory stays bounded."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from indexers.stores.edge import open_edge
from rag.values import Chunk

pytestmark = [
    pytest.mark.model,
    pytest.mark.timeout(1_500),
    pytest.mark.skipif(sys.platform != "linux", reason="a process's peak is read from /proc"),
]
SIZE = 200_000_000  # bytes
PEAK_MB = 1_500
PARAGRAPH = (
    "Paragraph {n:,} of the long one. The sample freezer of row {row} stays cold for {hours} hours "
    "without power, which everybody in the laboratory knows; the façade's lantern does not, and "
    "nobody remembers why somebody thought so before the building was renovated last summer.\n\n"
)


def written(file: Path) -> str:
    """Write paragraphs, each another one, until the file is large enough; return its text."""
    parts, size, n = [], 0, 0
    while size < SIZE:
        n += 1
        parts.append(PARAGRAPH.format(n=n, row=n % 977, hours=n % 53))
        size += len(parts[-1].encode())
    text = "".join(parts)
    file.write_text(text, encoding="utf-8", newline="")
    return text


async def held(folder: Path) -> list[Chunk]:
    """Return the chunks of the only document in a store, in order."""
    store = open_edge(folder)
    ((record,),) = [page async for page in store.survey()]
    found = [point.chunk async for page in store.scan(record) for point in page]
    await store.close()
    return sorted(found, key=lambda chunk: chunk.ordinal)


def test_a_text_of_200_mb_is_indexed_whole_within_bounded_memory(tmp_path: Path) -> None:
    text = written(tmp_path / "giant.txt")
    paths = [str(tmp_path / name) for name in ("giant.txt", "store")]
    command = [sys.executable, "-m", "tests.indexers.giant", *paths]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, check=True)
    told = json.loads(done.stdout)
    assert told["faults"] == 0
    assert told["peak_mb"] < PEAK_MB
    chunks = asyncio.run(held(tmp_path / "store"))
    assert len(chunks) == told["chunks"] > 10_000
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    # What stands between two chunks is white space, and known: together they are the file.
    assert "".join(chunk.text + chunk.gap for chunk in chunks) == text
    assert not any(chunk.gap.strip() for chunk in chunks)
