"""Runs over small documents, and what a store holds after them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from indexers.bulk import IndexReport, index
from indexers.encoders.bm25 import Bm25Encoder
from indexers.encoders.hashed import HashedEncoder
from indexers.split import whole
from rag.seams import CollectionSpec, Store
from rag.values import Chunk, Document, Fault, Lookup, Notice, Probe

ENCODER, BM25 = HashedEncoder(16), Bm25Encoder()
SPEC = CollectionSpec("hashed", "hashed/16", 16, BM25.spec.fingerprint, "lines")


def lines(documents: Sequence[Document]) -> list[tuple[Chunk, ...]]:
    """One chunk per line: documents whose chunks can be seen."""
    return [tuple(_lines(document)) for document in documents]


def _lines(document: Document) -> Iterator[Chunk]:
    start = 0
    for line in document.text.splitlines(keepends=True):
        part = replace(document, text=line.rstrip("\n"))
        ((chunk,),) = whole([part])
        id_ = f"{chunk.id[:-4]}{start:04x}"
        yield replace(chunk, id=id_, start=start, end=start + len(part.text))
        start += len(line)


async def run(store: Store, items: Iterable[Document | Fault | Notice]) -> IndexReport:
    return await index(items, lines, ENCODER, BM25, store)


async def texts(store: Store) -> dict[str, list[str]]:
    """Every chunk's text by tenant and document, in the order of the document."""
    chunks = sorted(
        [stored.chunk async for page in store.scan() for stored in page], key=lambda c: c.start
    )
    found: dict[str, list[str]] = {}
    for chunk in chunks:
        found.setdefault(f"{chunk.tenant}/{chunk.document_id}", []).append(chunk.text)
    return found


async def ids(store: Store) -> list[str]:
    return sorted([stored.chunk.id async for page in store.scan() for stored in page])


async def bm25_scores(store: Store, query: str) -> dict[str, float]:
    found = await store.find(Lookup((Probe("bm25", BM25.query(query), 10_000),)))
    return {hit.chunk_id: hit.score for hit in found["bm25"]}


GUIDE = Document("guide", "freezer stays cold\nnine hours without power")
NOTES = Document("notes", "spaniel welcome\nlantern oil")
SHORT = [Document(f"s{n}", f"freezer {n}") for n in range(20)]  # 2 terms each
LONG = [Document(f"l{n}", f"freezer cold power lantern spaniel {n}") for n in range(20)]  # 6 terms
