"""A run that stops halfway and waits to be killed; `index_into` is the same run without an end."""

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path

from indexers.bulk import Progress, index
from indexers.bulk.windows import WINDOW
from indexers.encoders.bm25 import Bm25Encoder
from indexers.encoders.hashed import HashedEncoder
from indexers.splitting.pieces import whole
from indexers.stores.edge import create_edge, open_edge
from indexers.stores.edge_folder import edge_exists
from rag.seams import CollectionSpec
from rag.values import Document

DOCUMENTS = 4 * WINDOW + 152


async def index_into(folder: Path, version: str, watch: Callable[[Progress], None]) -> None:
    """Index documents of which two thirds are versioned: these fill two windows, and more."""
    spec = CollectionSpec("hashed", "hashed/16", 16, "bm25", "none")
    documents = [
        Document(f"d{n}", f"power {n} {version if n % 3 else 'same'}" + " cold" * (n % 3))
        for n in range(DOCUMENTS)
    ]
    store = open_edge(folder) if edge_exists(folder) else create_edge(folder, spec)
    await index(documents, whole, HashedEncoder(16), Bm25Encoder(), store, watch)
    await store.close()


def _wait(progress: Progress) -> None:
    if progress.stage == "encode" and progress.done >= 2 * WINDOW:
        sys.stdout.write("halfway\n")
        sys.stdout.flush()
        time.sleep(60)


if __name__ == "__main__":
    asyncio.run(index_into(Path(sys.argv[1]), sys.argv[2], _wait))
