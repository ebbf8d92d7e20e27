"""The one schema of a collection: vector names, and a chunk as the payload of a point."""

import math
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeGuard

import msgspec
import numpy as np

from rag.errors import CollectionMismatch
from rag.seams import SCHEMA_VERSION, CollectionSpec
from rag.values import (
    PRINCIPALS,
    Access,
    Chunk,
    Document,
    DocumentRecord,
    Json,
    Point,
    SparseVector,
    Validity,
    is_unicode,
)

DENSE = "dense"
SPARSE = "bm25"
PRINCIPALS_FIELD = f"metadata.{PRINCIPALS}"
STATE = "state"
STATES = ("whole", "written", "cleaned")
VALID_FROM, VALID_TO = "valid_from", "valid_to"
INSTANT_FIELDS = (VALID_FROM, VALID_TO)
KEYWORD_FIELDS = ("tenant", "document_id", PRINCIPALS_FIELD, STATE)
ORDINAL = "ordinal"  # indexed: around chunks of a document of 20,000, 475 ms become 4
RECORDS = uuid.UUID("0a8f3f0e-4a63-5a39-9d0c-2f6f3c3c8e41")  # chosen once, never changed

_VALIDITY = (*INSTANT_FIELDS, "superseded_by")

MAX_DEPTH = 16  # chosen: gRPC refuses 32 levels; 125 make Edge's write-ahead log unreadable

Payload = dict[str, Any]  # what both Qdrant clients take and give


def unstorable(document: Document) -> str:
    """Return why a payload cannot hold the document, or an empty string."""
    texts = (document.id, document.text, document.title, document.source, document.tenant)
    if not all(map(is_unicode, texts)):
        return "not valid Unicode: half a surrogate pair"
    if PRINCIPALS in document.metadata and not _is_names(document.metadata[PRINCIPALS]):
        return f"{PRINCIPALS_FIELD} must be a name or a list of names; left out, all may read"
    level: list[Json] = [dict(document.metadata)]
    depth = 0
    while level:
        if depth > MAX_DEPTH:
            return f"metadata is nested more than {MAX_DEPTH} levels deep"
        if reason := next(filter(None, map(_unstorable_value, level)), ""):
            return f"metadata holds {reason}"
        level = [inner for value in level for inner in _inside(value)]
        depth += 1
    return ""


def _is_names(value: Json) -> bool:
    """Whether this is a name or a list of them; an empty list would open what is to be closed."""
    names = value if isinstance(value, list) else [value]
    return bool(names) and all(isinstance(name, str) and name.strip() for name in names)


def _unstorable_value(value: Json) -> str:
    match value:
        case str() if not is_unicode(value):
            return "half a surrogate pair"
        case int() if not -(2**63) <= value < 2**63:
            return "an integer outside 64 bits"
        case float() if not math.isfinite(value):
            return "a number that is not finite"
        case _:
            return ""


def _inside(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else []


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
        ORDINAL: chunk.ordinal,
        "gap": chunk.gap,
        "page": chunk.page,
        "breaks": list(chunk.breaks),
        "family": [list(range_) for range_ in chunk.family],
        **({"read_with": list(chunk.read_with)} if chunk.read_with[2] else {}),
        **_told(chunk.validity),
    }


def _told(validity: Validity) -> Payload:
    """Return the fields of a validity that are known: most chunks have none, and pay for none."""
    return {name: value for name in _VALIDITY if (value := getattr(validity, name))}


def grouped(
    marks: Mapping[str, Validity],
) -> Iterator[tuple[list[str], Payload, list[str]]]:
    """Yield chunk ids, the fields they get, and those they lose, once per different validity."""
    ids: dict[Validity, list[str]] = {}
    for chunk_id, validity in marks.items():
        ids.setdefault(validity, []).append(chunk_id)
    for validity, chosen in ids.items():
        told = _told(validity)
        yield chosen, told, [name for name in _VALIDITY if name not in told]


def to_chunk(payload: Payload) -> Chunk:
    """Return the chunk of a payload that `to_payload` made; read 100 times per search, so direct.

    Raises:
        KeyError: the point was not written by FirstCite.
    """
    return Chunk(  # by position: a third of the time goes into matching names
        payload["chunk_id"],
        payload["document_id"],
        payload["text"],
        payload["start"],
        payload["end"],
        payload["title"],
        payload["context"],
        payload["source"],
        payload["metadata"],
        payload["tenant"],
        payload[ORDINAL],
        payload["gap"],
        payload["page"],
        tuple(payload["breaks"]),
        tuple(map(tuple, payload["family"])) if payload["family"] else (),
        tuple(payload.get("read_with", (0, 0, ""))),
        payload.get("valid_from", ""),
        payload.get("valid_to", ""),
        payload.get("superseded_by", ""),
    )


def readable(
    payloads: Iterable[Payload], chunk_ids: Sequence[str], access: Access | None
) -> tuple[Chunk, ...]:
    """Return the chunks of payloads that may be read, in the order of the ids."""
    found = map(to_chunk, payloads)
    chunks = {chunk.id: chunk for chunk in found if access is None or access.allows(chunk)}
    return tuple(chunks[id_] for id_ in chunk_ids if id_ in chunks)


def in_order(payloads: Iterable[Payload], access: Access) -> tuple[Chunk, ...]:
    """Return the chunks of payloads that may be read, as they stand in their documents."""
    chunks = (chunk for chunk in map(to_chunk, payloads) if access.allows(chunk))
    return tuple(sorted(chunks, key=lambda chunk: (chunk.document_id, chunk.ordinal, chunk.id)))


def record_id(tenant: str, document_id: str) -> str:
    """Return the id of the point that holds a document's record."""
    return str(uuid.uuid5(RECORDS, repr((tenant, document_id))))


_UNTOLD: Mapping[str, object] = {**msgspec.to_builtins(DocumentRecord("")), "document_id": None}


def to_record(record: DocumentRecord) -> Payload:
    """Return the payload of a record's point, which has no vectors and is never found by them."""
    whose = {"tenant": record.tenant, "document_id": record.document_id}
    told = {
        name: value
        for name, value in msgspec.to_builtins(record).items()
        if value != _UNTOLD[name]  # the engine takes 4 µs for every field
    }
    return {**whose, STATE: record.state, "record": told}


def from_record(payload: Payload) -> DocumentRecord:
    """Return the record of a payload that `to_record` made."""
    fields = payload["record"]
    tuples = {name: tuple(fields.get(name, ())) for name in ("pages", "adding", "stale")}
    return DocumentRecord(**{**fields, **tuples})


def is_record(payload: Payload) -> bool:
    """Whether a payload is a record's, not a chunk's."""
    return STATE in payload


def from_point(payload: Payload, vectors: Mapping[str, Any]) -> Point:
    """Return a point as it was put; `vectors` are those of a store, by name.

    Raises:
        KeyError: the point was not written by FirstCite.
    """
    sparse = vectors.get(SPARSE)
    terms = sorted(zip(sparse.indices, sparse.values, strict=True)) if sparse else []
    return Point(
        to_chunk(payload),
        np.asarray(vectors[DENSE], np.float32),
        SparseVector(tuple(i for i, _ in terms), tuple(v for _, v in terms)),
        payload["length"],
    )


def is_large(value: object) -> TypeGuard[int]:
    """Whether this is an integer that fractions cannot tell from its neighbours."""
    return isinstance(value, int) and abs(value) > 2**53


def to_spec(data: object, collection: str) -> CollectionSpec:
    """Return what a collection was built with, from what its store keeps.

    Raises:
        CollectionMismatch: another version of FirstCite wrote it.
        msgspec.ValidationError: FirstCite did not.
    """
    version = data.get("schema_version") if isinstance(data, dict) else None
    if isinstance(version, int) and version != SCHEMA_VERSION:
        raise CollectionMismatch(
            f"{collection} has schema {version}, this version writes {SCHEMA_VERSION}: index into "
            "another --collection"
        )
    return msgspec.convert(data, CollectionSpec)
