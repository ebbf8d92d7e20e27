"""What an embedded collection is made with, and what its searches are asked with."""

from collections.abc import Mapping

import qdrant_edge as qe

from indexers.stores.payload import DENSE, SPARSE
from rag.seams import CollectionSpec
from rag.sections import StoreSettings

PLAIN = StoreSettings()
# Under 30 MB of vectors (20,000 of 384 numbers) search is exact and takes up to 1 ms: a graph would
# save .7 ms of it, lose some neighbours, and cost 2.4 s to build. By default it would be 10 MB.
_EXACT_KB = 30_000
_M, _EF_CONSTRUCT, _FULL_SCAN_KB = 16, 100, 10_000  # Qdrant's own, which Edge wants to be told
_PINNED = qe.Memory.Pinned
_QUANTISED: Mapping[str, "qe.QuantizationConfigType"] = {  # a name of the stub only
    "scalar": qe.ScalarQuantizationConfig(
        qe.ScalarType.Int8,
        quantile=0.99,  # as Qdrant's documentation has it
        memory=_PINNED,
    ),
    "binary": qe.BinaryQuantizationConfig(memory=_PINNED),
    "product": qe.ProductQuantizationConfig(qe.CompressionRatio.X16, memory=_PINNED),
}


def to_config(spec: CollectionSpec, settings: StoreSettings) -> qe.EdgeConfig:
    """Return what to make a collection with."""
    placed = _placed(on_disk=settings.vectors_on_disk)
    return qe.EdgeConfig(
        vectors={
            DENSE: qe.EdgeVectorParams(
                size=spec.dimension, distance=qe.Distance.Cosine, memory=placed
            )
        },
        sparse_vectors={SPARSE: qe.EdgeSparseVectorParams(modifier=qe.Modifier.Idf)},
        hnsw_config=qe.HnswIndexConfig(
            settings.hnsw_m or _M,
            settings.hnsw_ef_construct or _EF_CONSTRUCT,
            _FULL_SCAN_KB,
            memory=placed if settings.vectors_on_disk else None,
        ),
        quantization_config=_QUANTISED.get(settings.quantisation),
        # Cold, the first reads of 100 texts cost 4 ms, not .3.
        payload_memory=_placed(on_disk=settings.payload_on_disk),
        # IDF counts deleted chunks until `optimize` rewrites their segment: from 5 % on (chosen),
        # however small the segment; by default it would be from 20 % of 1,000 on.
        optimizers=qe.EdgeOptimizersConfig(
            deleted_threshold=0.05,
            vacuum_min_vector_number=1,
            indexing_threshold=settings.indexing_threshold_kb or _EXACT_KB,
        ),
    )


def to_params(settings: StoreSettings) -> qe.SearchParams | None:
    """Return how dense vectors are searched for; None leaves it to the engine.

    What small vectors choose is scored again with the whole ones, so scores are always exact.
    """
    quantised = settings.quantisation != "none"
    if not quantised and not settings.hnsw_ef:
        return None
    choosing = qe.QuantizationSearchParams(rescore=True, oversampling=settings.candidates)
    return qe.SearchParams(
        hnsw_ef=settings.hnsw_ef or None, quantization=choosing if quantised else None
    )


def _placed(*, on_disk: bool) -> qe.Memory:
    return qe.Memory.Cold if on_disk else qe.Memory.Cached
