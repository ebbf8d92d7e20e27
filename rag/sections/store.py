"""The section of the settings about the store, which `rag.sections` gives with the others.

`docs/settings.md` repeats the sentences; a test compares them.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from rag.sections.basics import Positive, Secret, Section, says

_Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**31 - 1)]
# Of 6,000 synthetic vectors of 64 numbers, top 20: recall .998, .995, 1.
_OVERSAMPLING: Mapping[str, float] = {"scalar": 2.0, "binary": 8.0, "product": 8.0}
_Seconds: TypeAlias = Annotated[float, Meta(gt=0)]


class StoreSettings(Section, frozen=True):
    """Where the points live, and how they are kept there."""

    path: Annotated[str, says("folder of the embedded store, one folder per collection")] = (
        ".firstcite"
    )
    url: Annotated[str, says("address of a Qdrant server; empty means the embedded store")] = ""
    api_key: Annotated[Secret, says("key for that server")] = Secret("")
    timeout_s: Annotated[_Seconds, says("limit of one try of one call to the server")] = 30.0
    long_timeout_s: Annotated[
        _Seconds, says("the same for what may take long: deleting by document, scanning, counting")
    ] = 300.0
    retries: Annotated[
        Annotated[int, Meta(ge=0)], says("further tries after a failure that may pass")
    ] = 3
    concurrency: Annotated[
        Positive, says("requests that write to the server at the same time, at most")
    ] = 4
    grpc: Annotated[bool, says("talk gRPC to the server (faster) instead of HTTP")] = True
    grpc_port: Annotated[Annotated[int, Meta(ge=1, le=65535)], says("its gRPC port")] = 6334
    shards: Annotated[Positive, says("shards of a new collection on a cluster")] = 1
    replicas: Annotated[Positive, says("copies of each shard on a cluster")] = 1
    write_consistency: Annotated[
        Positive, says("copies that must have applied a write; of a new collection on a cluster")
    ] = 1
    write_ordering: Annotated[
        Literal["weak", "medium", "strong"],
        says(
            "who keeps writes in order on a cluster: nobody, the leader of the day, or one for good"
        ),
    ] = "medium"
    read_consistency: Annotated[
        Literal["one", "majority", "quorum", "all"],
        says("copies on a cluster that are asked and must agree"),
    ] = "one"
    quantisation: Annotated[
        Literal["none", "scalar", "binary", "product"],
        says("small vectors that stay in memory and choose candidates; of a new collection"),
    ] = "none"
    oversampling: Annotated[
        Annotated[float, Meta(ge=0, le=100)],
        says(
            "candidates per hit, scored again by whole vectors; 0 is scalar 2, binary and product 8"
        ),
    ] = 0.0
    vectors_on_disk: Annotated[
        bool, says("leave vectors on disk until they are read; of a new collection")
    ] = False
    payload_on_disk: Annotated[
        bool, says("leave texts on disk until they are read; of a new collection")
    ] = False
    hnsw_m: Annotated[
        Annotated[int, Meta(ge=0, le=1024)],
        says("links of a vector in the search graph, 0 is Qdrant's 16; of a new collection"),
    ] = 0
    hnsw_ef_construct: Annotated[
        _Count, says("candidates for these links, 0 is Qdrant's 100; of a new collection")
    ] = 0
    hnsw_ef: Annotated[
        _Count, says("candidates of a search in the graph, 0 is as many as for links")
    ] = 0
    indexing_threshold_kb: Annotated[
        _Count,
        says(
            "vectors up to which search is exact, 0 is 30,000, or the server's; of a new collection"
        ),
    ] = 0
    optimize_s: Annotated[
        Annotated[float, Meta(ge=0)],
        says("most time to wait for a server's search index after indexing; 0 does not wait"),
    ] = 0.0

    @property
    def candidates(self) -> float:
        """The candidates per hit that small vectors choose, at least 1."""
        return max(1.0, self.oversampling or _OVERSAMPLING.get(self.quantisation, 0.0))
