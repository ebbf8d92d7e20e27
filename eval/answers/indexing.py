"""A collection indexed to be asked: in a scratch store, or on a server under a name of its own."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from eval.data.collection import corpus_of
from indexers.bulk import IndexReport
from indexers.reading import read_paths
from rag.errors import BadCollection, CollectionMismatch
from rag.pipeline import QueryPath
from rag.showing import Show
from rag.wiring import Engine


async def indexed(
    folder: Path, name: str, engine: Engine, show: Show
) -> tuple[IndexReport, QueryPath]:
    """Index the documents of a BEIR folder; return the report and the path of the collection.

    Raises:
        BadCollection: there is no corpus, or no document of it can be read.
        CollectionMismatch: the collection holds other documents, too.
        StoreUnavailable, ModelUnavailable: from the engine.
    """
    corpus = corpus_of(folder)
    limits = engine.settings.index
    report = await engine.index(
        read_paths([folder], limits=limits),
        name,
        lambda p: show(p.stage, p.done, p.total),
    )
    if not report.documents:
        why = f", e.g. {report.faults[0]}" if report.faults else ""
        raise BadCollection(f"no document of {corpus} can be read{why}")
    path = await engine.collection(name)
    held = await path.parts.store.count()
    if held != report.chunks:
        raise CollectionMismatch(
            f"'{name}' holds {held:,} chunks and the corpus has {report.chunks:,}: it holds other "
            "documents, too, or the corpus has changed since; delete that collection and run again"
        )
    return report, path


async def configuration(engine: Engine, path: QueryPath) -> Mapping[str, object]:
    """Return what a collection was built with and how it is searched."""
    settings = engine.settings
    spec, encoder = await path.parts.store.info(), engine.encoder.spec
    return {
        "encoder": encoder.fingerprint,
        "precision": f"{encoder.precision} ({encoder.why})",
        "bm25": spec.sparse_fingerprint,
        "mean_length": round(spec.mean_length, 3),
        "splitter": spec.splitter,
        "fusion": settings.search.fusion,
        "depth_per_branch": settings.search.depth,
        "store": "qdrant server" if settings.store.url else "qdrant edge",
    }


def scratch_name(folder: Path, engine: Engine) -> str:
    """Return a name that no other collection, and no other way to index it, has on a server."""
    index = engine.settings.index
    parts = (
        str(folder.resolve()),
        engine.encoder.spec.fingerprint,
        engine.sparse.spec.fingerprint,
        index.splitter,
        index.chunk_tokens,
    )
    return f"eval-{hashlib.sha256(repr(parts).encode()).hexdigest()[:12]}"
