"""Indexes one of several versions of SciFact, as a process that may be killed at any time."""

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tokenizers import Tokenizer

from indexers.bulk import IndexReport, Options, index
from indexers.encoders.bm25 import Bm25Encoder
from indexers.encoders.hashed import HashedEncoder
from indexers.encoders.packaged import packaged_model
from indexers.reading import read_paths
from indexers.splitting.splitters import make_split
from indexers.stores.edge import create_edge, edge_exists, open_edge
from rag.seams import CollectionSpec
from rag.sections import IndexSettings
from rag.values import Document, Fault, Notice

SPEC = CollectionSpec("hashed", "hashed/16", 16, Bm25Encoder().spec.fingerprint, "recursive/192")


def documents(corpus: Path, version: int) -> Iterator[Document | Fault | Notice]:
    """The corpus without one document in twenty, one in ten with a longer text, one with a year."""
    for number, item in enumerate(read_paths([corpus])):
        if not isinstance(item, Document):
            yield item
        elif (number * 3 + version) % 20 == 0:
            continue
        elif (number * 7 + version) % 10 == 0:
            yield replace(item, text=f"Version {version} begins here. {item.text}")
        elif (number * 7 + version) % 10 == 1:
            yield replace(item, metadata={**item.metadata, "year": 2000 + version})
        else:
            yield item


async def index_version(folder: Path, corpus: Path, version: int) -> IndexReport:
    """Bring the store in the folder to hold this version, and nothing else."""
    store = open_edge(folder) if edge_exists(folder) else create_edge(folder, SPEC)
    tokenizer = Tokenizer.from_file(str(packaged_model() / "tokenizer.json"))
    options = Options(prune=(str(corpus),))
    encoder, sparse = HashedEncoder(16), Bm25Encoder()
    split = make_split(IndexSettings(), tokenizer)
    try:
        return await index(
            documents(corpus, version), split, encoder, sparse, store, options=options
        )
    finally:
        await store.close()


if __name__ == "__main__":
    sys.stdout.write("started\n")
    sys.stdout.flush()
    asyncio.run(index_version(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
