"""What a run has to do to a document, by comparing it with what the store holds of it."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import msgspec

from indexers.bulk.reporting import Fate
from indexers.bulk.spool import Begin, End, Row, Segment
from rag.seams import SparseEncoder, Store
from rag.values import Chunk, Document, DocumentRecord, Frozen, Vector

_PIECE = 1 << 20  # characters hashed at a time


@dataclass(frozen=True, slots=True)
class Old(Frozen):
    """The chunks a document has so far: number of terms by id, and vector by what was encoded."""

    lengths: Mapping[str, int] = field(default_factory=dict)
    vectors: Mapping[bytes, Vector] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Task(Frozen):
    """A document, the digest of what its chunks are made from, and what there is of it.

    `like` is the document that it is a near-duplicate of, by their sketches; one that is `left` is
    not indexed, or not yet.
    """

    document: Document
    digest: str
    before: DocumentRecord | None
    old: Old = field(default_factory=Old)
    sketch: str = ""
    like: str = ""
    left: Literal["", "skipped", "waiting"] = ""

    @property
    def fate(self) -> Fate:
        """What becomes of it."""
        if self.left:
            return self.left
        if self.before is None:
            return "new"
        if self.before.digest != self.digest:
            return "changed"
        likeness = (self.sketch, self.like) == (self.before.sketch, self.before.like)
        return "unchanged" if likeness and not self.described_anew else "revised"

    @property
    def described_anew(self) -> bool:
        """Whether the source or the metadata that the chunks have are another now."""
        before = self.before or DocumentRecord("")
        facts = (self.document.source, _json(self.document))
        return facts != (before.source, _json(before))


async def compared(documents: Sequence[Document], store: Store) -> list[Task]:
    """Return the task of each document, in order.

    Raises:
        StoreUnavailable: from the store.
    """
    by_tenant: dict[str, list[str]] = {}
    for document in documents:
        by_tenant.setdefault(document.tenant, []).append(document.id)
    held = {
        (tenant, record.document_id): record
        for tenant, ids in by_tenant.items()
        for record in await store.records(tenant, ids)
    }
    tasks = [Task(d, digest(d), held.get((d.tenant, d.id))) for d in documents]
    return [
        replace(task, old=await _old(task.before, store))
        if task.before and task.before.digest != task.digest
        else task
        for task in tasks
    ]


def digest(document: Document) -> str:
    """Return a digest of everything that a document's chunks are made from.

    >>> digest(Document("a", "x")) == digest(Document("b", "x", source="s", metadata={"k": 1}))
    True
    >>> digest(Document("a", "x")) == digest(Document("a", "x", title="T"))
    False
    """
    about = (document.title, document.markup, document.language, document.pages)
    hashed = hashlib.sha256(repr(about).encode())
    for start in range(0, len(document.text), _PIECE):
        hashed.update(document.text[start : start + _PIECE].encode())
    return hashed.hexdigest()


async def _old(record: DocumentRecord, store: Store) -> Old:
    lengths: dict[str, int] = {}
    vectors: dict[bytes, Vector] = {}
    async for page in store.scan(record):
        for point in page:
            lengths[point.chunk.id] = point.length
            vectors[_read(point.chunk)] = point.dense
    return Old(lengths, vectors)


def _read(chunk: Chunk) -> bytes:
    """Return a digest of what the encoder reads of a chunk, and reads with it."""
    first, _, beside = chunk.read_with
    place = f"{chunk.ordinal - first} {beside}" if beside else ""
    return hashlib.sha256(f"{place}\n{chunk.indexed_text}".encode()).digest()


def spool(
    task: Task, chunks: Iterable[Chunk], sparse: SparseEncoder, segment: Segment
) -> DocumentRecord:
    """Write down what there is to do for a document, and return its new record.

    The chunks are gone through twice: those of a giant document need not be in memory together.
    """
    ids = [chunk.id for chunk in chunks]
    old = task.old.lengths
    adding = tuple(id_ for id_ in ids if id_ not in old)
    if adding:
        whose = DocumentRecord(task.document.id, tenant=task.document.tenant)
        segment.add(Begin(replace(task.before or whose, state="written", adding=adding)))
    head, terms = task.document.text, 0
    for chunk in chunks:
        length = old.get(chunk.id)
        if length is None:
            length = sparse.length(chunk.indexed_text)
            segment.add(Row(chunk, length, task.old.vectors.get(_read(chunk))))
        terms += length
        head = head[: chunk.start] if chunk.ordinal == 0 else head
    stale = tuple(sorted(set(old) - set(ids)))
    record = replace(
        recorded(task),
        head=head,
        chunks=len(ids),
        terms=terms,
        state="cleaned" if old else "whole",
        stale=stale,
    )
    segment.add(End(record))
    return record


def recorded(task: Task) -> DocumentRecord:
    """Return the record of a document whose chunks stay, with what is to be revised of them."""
    document = task.document
    return replace(
        task.before or DocumentRecord(document.id),
        digest=task.digest,
        title=document.title,
        source=document.source,
        metadata=document.metadata,
        tenant=document.tenant,
        markup=document.markup,
        language=document.language,
        pages=document.pages,
        state="cleaned" if task.described_anew else "whole",
        sketch=task.sketch,
        like=task.like,
    )


def _json(of: Document | DocumentRecord) -> bytes:
    """Return the metadata as a text that is equal only for equal metadata: 1 is not 1.0 or true."""
    return msgspec.json.encode(of.metadata, order="deterministic")
