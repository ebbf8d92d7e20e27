"""Every store, empty and of the same collection: what the conformance suite runs over."""

import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from indexers.stores import server
from indexers.stores.edge import create_edge
from indexers.stores.exact import ExactStore
from rag.seams import Store
from rag.sections import StoreSettings
from tests.seams.points import SPEC

URL = os.environ.get("FIRSTCITE_TEST_QDRANT_URL", "")
needs_server = (
    pytest.mark.service,
    pytest.mark.skipif(not URL, reason="FIRSTCITE_TEST_QDRANT_URL names no Qdrant server"),
)
Closing = Callable[[], Awaitable[object]]


@pytest.fixture(
    params=[
        "exact",
        "edge",
        "server in memory",
        pytest.param("server by http", marks=needs_server),
        pytest.param("server by grpc", marks=needs_server),
    ]
)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store of the collection `SPEC`."""
    kind = str(request.param)
    if kind == "exact":
        exact = ExactStore(SPEC)
        yield exact
        await exact.close()
    elif kind == "edge":
        edge = create_edge(tmp_path / "collection", SPEC)
        yield edge
        await edge.close()
    else:
        url = ":memory:" if kind == "server in memory" else URL
        connection = server.connect(StoreSettings(url=url, grpc=kind.endswith("grpc")))
        name = f"firstcite-test-{uuid.uuid4()}"
        try:
            yield await server.create_collection(connection, name, SPEC)
        finally:
            await connection.client.delete_collection(name)
            await connection.close()
