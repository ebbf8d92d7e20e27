"""By gRPC, too, what may pass is tried again, and what will not names the remedy."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from qdrant_client.grpc import (
    PointsOperationResponse,
    UpdateResult,
    UpdateStatus,
)
from qdrant_client.grpc.points_service_pb2_grpc import (
    PointsServicer,
    add_PointsServicer_to_server,
)

from indexers.stores.server import ServerStore, connect
from rag.errors import StoreUnavailable
from rag.sections import StoreSettings
from tests.seams.points import point

pytestmark = pytest.mark.anyio


class Points(PointsServicer):
    """Upserts that fail with these codes, one after the other, and then are done."""

    def __init__(self, codes: list[tuple[str, str]]) -> None:
        self.codes = codes
        self.put: list[str] = []
        self.asked = 0

    def Upsert(self, request: Any, context: Any) -> Any:  # noqa: N802, ANN401 - gRPC's
        self.asked += 1
        if self.codes:
            name, says = self.codes.pop(0)
            context.abort(grpc.StatusCode[name], says)
        self.put += [row.id.uuid for row in request.points]
        return PointsOperationResponse(result=UpdateResult(status=UpdateStatus.Value("Completed")))


@asynccontextmanager
async def store_on(points: Points) -> AsyncIterator[ServerStore]:
    server = grpc.server(ThreadPoolExecutor(2))  # grpc.aio's would outlive the test's event loop
    add_PointsServicer_to_server(points, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    chosen = StoreSettings(url="http://127.0.0.1:1", grpc_port=port, timeout_s=5, retries=2)
    store = ServerStore(connect(chosen, 0.001), "c")
    try:
        yield store
    finally:
        await store.close()
        server.stop(None).wait()


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
