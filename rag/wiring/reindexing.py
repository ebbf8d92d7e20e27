"""Building a collection anew from its own documents, and switching to it."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace

from indexers.bulk import IndexReport, Progress, index
from indexers.copying import Copies, Copying, drop_others
from indexers.rebuilding import held
from indexers.splitting.pieces import Split
from indexers.stores.catalogue import family_of
from rag.errors import StoreUnavailable
from rag.lanes import Lane
from rag.seams import CollectionSpec, Encoder, SparseEncoder, Store
from rag.values import Frozen
from rag.wiring.collections import Collections


@dataclass(frozen=True, slots=True)
class Kind(Frozen):
    """How a collection is to be built."""

    encoder: Encoder
    sparse: SparseEncoder
    split: Split
    spec: CollectionSpec


@dataclass(frozen=True, slots=True)
class Reindexed(Frozen):
    """What was done: the collection that the name stood for, the one it stands for now."""

    before: str
    now: str
    report: IndexReport


async def reindex(
    name: str,
    collections: Collections,
    kind: Kind,
    on_progress: Callable[[Progress], None],
) -> Reindexed:
    """Build a collection anew, and switch its name.

    Args:
        name: the collection.
        collections: have it, and go on serving it meanwhile.
        kind: how it is to be built.
        on_progress: is told how far it is.

    Raises:
        CollectionNotFound, CollectionMismatch, BadCollection, StoreLocked, StoreUnavailable: as
            `Engine.reindex`.
    """
    async with collections.writing(name), collections.reading(name) as (before, source):
        now, store = await collections.beside(family_of(before), before, kind.spec)
        used = False
        try:
            report = await rebuild(source, store, kind, on_progress)
            used = await collections.switch(name, now, store)
        finally:
            if not used:
                await store.close()
    return Reindexed(before, now, report)


async def rebuild(
    source: Store, store: Store, kind: Kind, on_progress: Callable[[Progress], None]
) -> IndexReport:
    """Bring a store to hold the documents of another, and nothing else.

    Vectors are copied where they would be the same: of the same encoder, split by the same
    splitter.

    Raises:
        StoreUnavailable: from a store; a document is damaged, or cannot be stored any more.
        OSError: the folder of temporary files is full.
    """
    built = await source.info()
    alike = (built.encoder_fingerprint, built.splitter) == (
        kind.spec.encoder_fingerprint,
        kind.spec.splitter,
    )
    with closing(Copies(vectors=alike)) as copies, closing(Lane("copy")) as lane:
        async for each in held(source):
            await lane.run(copies.add, each)
            on_progress(Progress("rebuild", copies.documents, 0))
        await drop_others(store, copies.seen)
        encoder = Copying(kind.encoder, copies, lane)
        report = await index(copies, kind.split, encoder, kind.sparse, store, on_progress)
    if report.faults:
        raise StoreUnavailable(
            f"{report.fault_count} documents could not be stored again, so nothing was switched; "
            f"the first is {report.faults[0]}"
        )
    return replace(report, encoded=report.encoded - encoder.copied)
