"""Is a collection what was indexed? Every document, chunk and vector of it is looked at.

One document is in memory at a time.
"""

import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from indexers.rebuilding import Held, version
from indexers.splitting.pieces import Piece, chunks_of, identified
from rag.seams import CollectionSpec, Store
from rag.values import Chunk, Frozen

NORM = 1e-3  # a stored vector may be as much longer or shorter than 1


@dataclass(frozen=True, slots=True)
class Problem(Frozen):
    """What is wrong with a document; without an id, with the collection."""

    what: str
    tenant: str = ""
    document_id: str = ""
    source: str = ""


async def verify(store: Store, counts: Counter[str]) -> AsyncIterator[Problem]:
    """Yield what is wrong with a collection, and count what was looked at.

    What a run that was ended has left half done is counted as `unfinished`, and is no problem: the
    next run finishes it.

    Args:
        store: the collection; nobody writes into it meanwhile.
        counts: gets `documents`, `chunks`, `terms`, `unfinished` and `problems`.

    Raises:
        StoreUnavailable: from the store.
    """
    spec = await store.info()
    async for problem in _all(store, spec, counts):
        counts["problems"] += 1
        yield problem


async def _all(store: Store, spec: CollectionSpec, counts: Counter[str]) -> AsyncIterator[Problem]:
    found = 0
    async for page in store.survey():
        for record in page:
            points = [point async for rows in store.scan(record) for point in rows]
            found += len(points)
            given = version(record, points)
            counts["unfinished"] += record.state != "whole"
            if not record.digest:
                continue
            counts.update(documents=1, chunks=len(given.points), terms=record.terms)
            for what in of_document(given, spec):
                yield Problem(what, record.tenant, record.document_id, record.source)
    if await store.count() != found:
        async for problem in _strangers(store):
            yield problem
    if spec.settled and (spec.chunks, spec.terms) != (counts["chunks"], counts["terms"]):
        yield Problem(
            f"the collection says that it has {spec.chunks:,} chunks of {spec.terms:,} terms, its "
            f"records {counts['chunks']:,} of {counts['terms']:,}"
        )


async def _strangers(store: Store) -> AsyncIterator[Problem]:
    """Yield the documents that have chunks but no record."""
    async for page in store.scan():
        by_document: dict[tuple[str, str], list[Chunk]] = {}
        for point in page:
            key = (point.chunk.tenant, point.chunk.document_id)
            by_document.setdefault(key, []).append(point.chunk)
        for (tenant, document_id), chunks in by_document.items():
            if not await store.records(tenant, [document_id]):
                what = f"{len(chunks)} chunks without a record"
                yield Problem(what, tenant, document_id, chunks[0].source)


def of_document(given: Held, spec: CollectionSpec) -> Iterator[str]:
    """Yield what is wrong with a document."""
    for check in CHECKS:
        yield from check(given, spec)


def _counted(given: Held, _: CollectionSpec) -> Iterator[str]:
    chunks, terms = len(given.points), sum(point.length for point in given.points)
    if not chunks:
        yield "a record without chunks"
    elif chunks != given.record.chunks:
        yield f"its record says {given.record.chunks:,} chunks, there are {chunks:,}"
    elif terms != given.record.terms:
        yield f"its record says {given.record.terms:,} terms, its chunks {terms:,}"


def _spans(given: Held, _: CollectionSpec) -> Iterator[str]:
    chunks = [point.chunk for point in given.points]
    for chunk in chunks:
        if chunk.end - chunk.start != len(chunk.text):
            yield f"the span of chunk {chunk.ordinal} is not as long as its text"
    if [chunk.ordinal for chunk in chunks] != list(range(len(chunks))):
        yield "its chunks are not numbered from 0 on"
    elif any(a.end + len(a.gap) != b.start for a, b in pairwise(chunks)):
        yield "its chunks do not follow each other"


def _text(given: Held, _: CollectionSpec) -> Iterator[str]:
    if given.points and not given.is_whole:
        yield "its text is not the one that was indexed"


def _ids(given: Held, _: CollectionSpec) -> Iterator[str]:
    """Compare every chunk with what the splitter would make of its place in the document."""
    if not given.is_whole:
        return  # told already, and every chunk would be another
    chunks = [point.chunk for point in given.points]
    pieces = [Piece(chunk.start, chunk.end, chunk.context, chunk.family) for chunk in chunks]
    for chunk, expected in zip(chunks, _made(given, pieces), strict=True):
        if chunk.id != expected.id:
            yield f"chunk {chunk.ordinal} has not the id of what it says"
        elif chunk != expected and given.record.state == "whole":
            yield f"chunk {chunk.ordinal} has another title, source, page or metadata"


def _made(given: Held, pieces: Sequence[Piece]) -> list[Chunk]:
    made = chunks_of(given.document, pieces) if pieces else ()
    told = (point.chunk for point in given.points)
    return [
        identified(
            replace(
                chunk,
                read_with=there.read_with,
                valid_from=there.valid_from,
                valid_to=there.valid_to,
                superseded_by=there.superseded_by,
            )
        )
        for chunk, there in zip(made, told, strict=True)
    ]


def _vectors(given: Held, spec: CollectionSpec) -> Iterator[str]:
    for point in given.points:
        if point.dense.shape != (spec.dimension,):
            yield f"the vector of chunk {point.chunk.ordinal} has {point.dense.size} dimensions"
        elif not math.isclose(norm := float(np.linalg.norm(point.dense)), 1.0, abs_tol=NORM):
            yield f"the vector of chunk {point.chunk.ordinal} has the length {norm:.4f}, not 1"


CHECKS: Sequence[Callable[[Held, CollectionSpec], Iterator[str]]] = (
    _counted,
    _spans,
    _text,
    _ids,
    _vectors,
)
