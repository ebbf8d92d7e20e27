"""By gRPC, too, what may pass is tried again, and what will not names the remedy."""

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from qdrant_client.grpc import (
    BatchResult,
    CollectionOperationResponse,
    Memory,
    PointsOperationResponse,
    QueryBatchResponse,
    ReadConsistencyType,
    UpdateResult,
    UpdateStatus,
    WriteOrderingType,
)
from qdrant_client.grpc.collections_service_pb2_grpc import (
    CollectionsServicer,
    add_CollectionsServicer_to_server,
)
from qdrant_client.grpc.points_service_pb2_grpc import (
    PointsServicer,
    add_PointsServicer_to_server,
)

from indexers.stores.server import ServerStore, connect, create_collection
from rag.errors import StoreUnavailable
from rag.sections import StoreSettings
from tests.seams.points import SPEC, ask, point

pytestmark = pytest.mark.anyio
DONE = PointsOperationResponse(result=UpdateResult(status=UpdateStatus.Value("Completed")))


class Points(PointsServicer):
    """Upserts that fail with these codes, one after the other, and then are done."""

    def __init__(self, codes: list[tuple[str, str]]) -> None:
        self.codes = codes
        self.put: list[str] = []
        self.asked = 0
        self.orderings: list[int] = []
        self.indexed: dict[str, bool] = {}
        self.searched: Any = None
        self.traceparents: list[str] = []

    def Upsert(self, request: Any, context: Any) -> Any:  # noqa: N802, ANN401 - gRPC's
        self.asked += 1
        if self.codes:
            name, says = self.codes.pop(0)
            context.abort(grpc.StatusCode[name], says)
        self.put += [row.id.uuid for row in request.points]
        self.orderings.append(request.ordering.type)
        return DONE

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802, ANN401, ARG002
        self.orderings.append(request.ordering.type)
        return DONE

    def CreateFieldIndex(self, request: Any, context: Any) -> Any:  # noqa: N802, ANN401, ARG002
        params = request.field_index_params.keyword_index_params
        self.indexed[request.field_name] = params.is_tenant
        return DONE

    def QueryBatch(self, request: Any, context: Any) -> Any:  # noqa: N802, ANN401
        self.searched = request
        self.traceparents.append(dict(context.invocation_metadata()).get("traceparent", ""))
        return QueryBatchResponse(result=[BatchResult() for _ in request.query_points])


@contextmanager
def serving(points: Points, collections: CollectionsServicer | None = None) -> Iterator[int]:
    """Serve on a free loopback port and give it."""
    server = grpc.server(ThreadPoolExecutor(2))  # grpc.aio's would outlive the test's event loop
    add_PointsServicer_to_server(points, server)  # type: ignore[no-untyped-call]
    add_CollectionsServicer_to_server(  # type: ignore[no-untyped-call]
        collections or CollectionsServicer(), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield int(port)
    server.stop(None).wait()


@asynccontextmanager
async def store_on(points: Points) -> AsyncIterator[ServerStore]:
    with serving(points) as port:
        chosen = StoreSettings(url="http://127.0.0.1:1", grpc_port=port, timeout_s=5, retries=2)
        store = ServerStore(connect(chosen, 0.001), "c")
        try:
            yield store
        finally:
            await store.close()


@pytest.mark.parametrize(
    "name", ["UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "INTERNAL"]
)
async def test_what_may_pass_is_tried_again(name: str) -> None:
    points = Points([(name, "for a while")] * 2)
    async with store_on(points) as store:
        await store.put([point(n, {1: 1.0}) for n in range(1, 301)])
    assert len(set(points.put)) == len(points.put) == 300
    assert points.asked == 4


@pytest.mark.parametrize(
    ("name", "says", "remedy"),
    [
        ("INVALID_ARGUMENT", "expected dim: 4, got 2", "expected dim"),
        ("UNAUTHENTICATED", "no key", r"Set store\.api_key"),
        ("PERMISSION_DENIED", "read only", r"Set store\.api_key"),
        ("NOT_FOUND", "no collection", "Was the collection dropped"),
        ("OUT_OF_RANGE", "decoded message length too large", "max_request_size_mb"),
        ("RESOURCE_EXHAUSTED", "message larger than max (9 vs. 4)", "max_request_size_mb"),
    ],
)
async def test_what_will_not_pass_is_tried_once(name: str, says: str, remedy: str) -> None:
    points = Points([(name, says)])
    async with store_on(points) as store:
        with pytest.raises(StoreUnavailable, match=f"{name}: .*{remedy}"):
            await store.put([point(1, {})])
    assert points.asked == 1


async def test_after_the_last_try_the_error_names_port_and_setting() -> None:
    points = Points([("UNAVAILABLE", "gone")] * 3)
    async with store_on(points) as store:
        with pytest.raises(StoreUnavailable, match=r"tried 3×.*store\.grpc_port open"):
            await store.put([point(1, {})])


class Collections(CollectionsServicer):
    """Keeps what a collection is made with."""

    made: Any = None

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802, ANN401, ARG002 - gRPC's
        self.made = request
        return CollectionOperationResponse(result=True)


async def test_a_collection_is_made_and_searched_as_set() -> None:
    points, collections = Points([]), Collections()
    with serving(points, collections) as port:
        chosen = StoreSettings(
            url="http://127.0.0.1:1",
            grpc_port=port,
            replicas=2,
            write_consistency=2,
            quantisation="scalar",
            vectors_on_disk=True,
            payload_on_disk=True,
            hnsw_m=24,
            hnsw_ef=99,
            read_consistency="majority",
            write_ordering="strong",
        )
        store = await create_collection(connect(chosen), "c", SPEC)
        await store.put([point(1, {1: 1.0})])
        await store.drop("default", ["d"])
        found = await store.find(ask())
        await store.close()
    made = collections.made
    assert (made.replication_factor, made.write_consistency_factor) == (2, 2)
    assert made.quantization_config.HasField("scalar")
    assert made.vectors_config.params_map.map["dense"].memory == Memory.Value("Cold")
    assert made.payload.memory == Memory.Value("Cold")
    assert made.hnsw_config.m == 24
    assert points.indexed == {"tenant": True, "document_id": False} | dict.fromkeys(
        ("metadata.principals", "state", "ordinal", "valid_from", "valid_to"), False
    )
    assert points.orderings == [WriteOrderingType.Value("Strong")] * 2
    searched = points.searched
    assert searched.read_consistency.type == ReadConsistencyType.Value("Majority")
    by_name = {query.using: query.params for query in searched.query_points}
    assert by_name["dense"].hnsw_ef == 99
    assert by_name["dense"].quantization.rescore
    assert by_name["dense"].quantization.oversampling == 2.0
    assert not by_name["bm25"].HasField("quantization")
    assert dict(found) == {"bm25": (), "dense": ()}
