"""The one schema of a collection: vector names, and a chunk as the payload of a point."""

from collections.abc import Mapping
from typing import Any

import msgspec

from rag.seams import StoredChunk
from rag.values import Chunk, Json, Metadata

DENSE = "dense"
SPARSE = "bm25"
KEYWORD_FIELDS = ("tenant", "document_id")

Payload = dict[str, Any]  # what both Qdrant clients take and give


class _Row(msgspec.Struct, frozen=True):
    chunk_id: str
    document_id: str
    text: str
    start: int
    end: int
    length: int
    title: str = ""
    context: str = ""
    source: str = ""
    tenant: str = ""
    metadata: dict[str, Any] = {}


def to_payload(chunk: Chunk, length: int) -> Payload:
    """Return the payload of a chunk with `length` BM25 terms."""
    return {
        "chunk_id": chunk.id,
        "document_id": chunk.document_id,
        "title": chunk.title,
        "context": chunk.context,
        "text": chunk.text,
        "start": chunk.start,
        "end": chunk.end,
        "source": chunk.source,
        "metadata": dict(chunk.metadata),
        "tenant": chunk.tenant,
        "length": length,
    }


def from_payload(payload: Mapping[str, Json]) -> StoredChunk:
    """Return the chunk of a payload.

    Raises:
        msgspec.ValidationError: the point was not written by FirstCite.
    """
    row = msgspec.convert(payload, _Row)
    metadata: Metadata = row.metadata
    chunk = Chunk(
        id=row.chunk_id,
        document_id=row.document_id,
        text=row.text,
        start=row.start,
        end=row.end,
        title=row.title,
        context=row.context,
        source=row.source,
        metadata=metadata,
        tenant=row.tenant,
    )
    return StoredChunk(chunk, row.length)
