"""What a collection on a Qdrant server is made with, and what its searches are asked with."""

from collections.abc import Mapping
from functools import partial

import msgspec
from qdrant_client import AsyncQdrantClient, models

from indexers.stores.payload import DENSE, INSTANT_FIELDS, KEYWORD_FIELDS, ORDINAL, SPARSE
from indexers.stores.server_calls import Call, Connection
from rag.seams import CollectionSpec
from rag.sections import StoreSettings

METADATA = "firstcite"
_PINNED = models.Memory.PINNED
_QUANTISED: Mapping[str, models.QuantizationConfig] = {
    "scalar": models.ScalarQuantization(
        scalar=models.ScalarQuantizationConfig(
            type=models.ScalarType.INT8,
            quantile=0.99,  # as Qdrant's documentation has it
            memory=_PINNED,
        )
    ),
    "binary": models.BinaryQuantization(binary=models.BinaryQuantizationConfig(memory=_PINNED)),
    "product": models.ProductQuantization(
        product=models.ProductQuantizationConfig(
            compression=models.CompressionRatio.X16, memory=_PINNED
        )
    ),
}


async def create(connection: Connection, name: str, spec: CollectionSpec) -> None:
    """Make an empty collection as the settings say, with an index of every field that is filtered.

    Raises:
        StoreUnavailable: the server refuses, or has one of that name already.
    """
    settings = connection.settings
    # Not again: a second try would find the collection of the first.
    await connection.ask(lambda c: _create(c, name, spec, settings), long=True, again=False)
    for field in KEYWORD_FIELDS:
        await connection.ask(_index(name, field), long=True)
    plain = models.PayloadSchemaType
    kinds = {ORDINAL: plain.INTEGER, **dict.fromkeys(INSTANT_FIELDS, plain.DATETIME)}
    for field, kind in kinds.items():
        await connection.ask(partial(_plainly, name, field, kind), long=True)


async def _plainly(
    name: str, field: str, kind: models.PayloadSchemaType, client: AsyncQdrantClient
) -> models.UpdateResult:
    return await client.create_payload_index(name, field, kind)


async def _create(
    client: AsyncQdrantClient, name: str, spec: CollectionSpec, settings: StoreSettings
) -> bool:
    placed = _placed(on_disk=settings.vectors_on_disk)
    dense = models.VectorParams(size=spec.dimension, distance=models.Distance.COSINE, memory=placed)
    hnsw = models.HnswConfigDiff(
        m=settings.hnsw_m or None,
        ef_construct=settings.hnsw_ef_construct or None,
        memory=placed if settings.vectors_on_disk else None,
    )
    return await client.create_collection(
        name,
        vectors_config={DENSE: dense},
        sparse_vectors_config={SPARSE: models.SparseVectorParams(modifier=models.Modifier.IDF)},
        shard_number=settings.shards,
        replication_factor=settings.replicas,
        write_consistency_factor=settings.write_consistency,
        payload=models.PayloadStorageParams(memory=_placed(on_disk=settings.payload_on_disk)),
        hnsw_config=hnsw,
        quantization_config=_QUANTISED.get(settings.quantisation),
        optimizers_config=models.OptimizersConfigDiff(
            # IDF counts deleted chunks until the server rewrites their segment; 100 is the least.
            deleted_threshold=0.05,
            vacuum_min_vector_number=100,
            indexing_threshold=settings.indexing_threshold_kb or None,
        ),
        metadata=to_metadata(spec),
    )


def to_metadata(spec: CollectionSpec) -> dict[str, object]:
    """Return what a collection was built with, as its metadata."""
    return {METADATA: msgspec.to_builtins(spec)}


def to_params(settings: StoreSettings) -> models.SearchParams | None:
    """Return how dense vectors are searched for; None leaves it to the engine.

    What small vectors choose is scored again with the whole ones, so scores are always exact.
    """
    quantised = settings.quantisation != "none"
    if not quantised and not settings.hnsw_ef:
        return None
    choosing = models.QuantizationSearchParams(rescore=True, oversampling=settings.candidates)
    return models.SearchParams(
        hnsw_ef=settings.hnsw_ef or None, quantization=choosing if quantised else None
    )


def to_consistency(settings: StoreSettings) -> models.ReadConsistencyType | None:
    """Return which copies are asked; None asks one."""
    asked = settings.read_consistency
    return None if asked == "one" else models.ReadConsistencyType(asked)


def _index(name: str, field: str) -> Call[models.UpdateResult]:
    # The tenant's index also keeps a tenant's points together on disk.
    schema = models.KeywordIndexParams(
        type=models.KeywordIndexType.KEYWORD, is_tenant=field == "tenant"
    )
    return lambda client: client.create_payload_index(name, field, schema)


def _placed(*, on_disk: bool) -> models.Memory:
    return models.Memory.COLD if on_disk else models.Memory.CACHED
