"""Indexes one file as `firstcite index` does, with an encoder that costs nothing."""

import asyncio
import json
import sys
from pathlib import Path

from tokenizers import Tokenizer

from indexers.bulk import index
from indexers.encoders.bm25 import Bm25Encoder
from indexers.encoders.hashed import HashedEncoder
from indexers.encoders.packaged import packaged_model
from indexers.reading import read_paths
from indexers.splitting.splitters import make_split
from indexers.stores.edge import create_edge
from rag.seams import CollectionSpec
from rag.sections import IndexSettings

CHUNK_TOKENS = 1_000  # larger than usual: a fifth of the chunks


async def index_file(file: Path, folder: Path) -> dict[str, object]:
    """Index the file into a new store, and tell what became of it and the process's peak."""
    encoder, sparse = HashedEncoder(16), Bm25Encoder()
    tokenizer = Tokenizer.from_file(str(packaged_model() / "tokenizer.json"))
    split = make_split(IndexSettings(chunk_tokens=CHUNK_TOKENS), tokenizer)
    store = create_edge(folder, CollectionSpec("hashed", "hashed/16", 16, "bm25", "recursive"))
    report = await index(read_paths([file]), split, encoder, sparse, store)
    await store.close()
    return {"chunks": report.chunks, "faults": len(report.faults), "peak_mb": _peak_mb()}


def _peak_mb() -> int:
    """Return the process's own peak: what getrusage tells begins with that of who started it."""
    status = Path("/proc/self/status").read_text("ascii")
    (line,) = (row for row in status.splitlines() if row.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    told = asyncio.run(index_file(Path(sys.argv[1]), Path(sys.argv[2])))
    sys.stdout.write(json.dumps(told))
