"""A Qdrant server that is not ours, not there or not a server is refused with one clear error."""

import socket
from collections.abc import AsyncIterator

import pytest
from qdrant_client import models

from indexers.stores.server import (
    ServerStore,
    connect,
    create_collection,
    names_on,
    open_collection,
)
from indexers.stores.server_calls import Connection
from rag.errors import BadSettings, CollectionMismatch, StoreUnavailable
from rag.seams import CollectionSpec
from rag.sections import StoreSettings

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant"),
]

SPEC = CollectionSpec("hashed", "hashed/2", 2, "bm25", "none", 3.5)


@pytest.fixture
async def server() -> AsyncIterator[Connection]:
    """qdrant-client's local mode."""
    connection = connect(StoreSettings(url=":memory:"))
    yield connection
    await connection.close()


@pytest.fixture
def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def test_a_collection_is_found_by_its_name_and_keeps_what_it_was_built_with(
    server: Connection,
) -> None:
    assert await names_on(server) == ()
    for name in ("b", "a"):
        await create_collection(server, name, SPEC)
    assert await names_on(server) == ("a", "b")
    store = await open_collection(server, "a")
    assert isinstance(store, ServerStore)
    assert await store.info() == SPEC


async def test_a_missing_collection_is_none(server: Connection) -> None:
    assert await open_collection(server, "nothing") is None


async def test_a_second_creation_is_refused(server: Connection) -> None:
    await create_collection(server, "a", SPEC)
    with pytest.raises(StoreUnavailable, match="already exists"):
        await create_collection(server, "a", SPEC)


@pytest.mark.parametrize(
    "metadata",
    [None, {}, {"other": "tool"}, {"firstcite": "x"}, {"firstcite": {"encoder": "hashed"}}],
    ids=str,
)
async def test_a_foreign_collection_is_refused(
    server: Connection, metadata: dict[str, object] | None
) -> None:
    vectors = models.VectorParams(size=2, distance=models.Distance.COSINE)
    await server.client.create_collection("theirs", vectors_config=vectors, metadata=metadata)
    store = await open_collection(server, "theirs")
    assert store is not None
    with pytest.raises(CollectionMismatch, match="'theirs' was not made by FirstCite"):
        await store.info()


async def test_a_collection_of_another_schema_is_refused(server: Connection) -> None:
    vectors = models.VectorParams(size=2, distance=models.Distance.COSINE)
    newer = {"firstcite": {"schema_version": 3, "everything": "else is new"}}
    await server.client.create_collection("newer", vectors_config=vectors, metadata=newer)
    store = await open_collection(server, "newer")
    assert store is not None
    with pytest.raises(CollectionMismatch, match="'newer' has schema 3, this version writes 2"):
        await store.info()


@pytest.mark.parametrize("grpc", [False, True], ids=["http", "grpc"])
async def test_a_server_that_does_not_answer_is_unavailable(closed_port: int, grpc: bool) -> None:
    # gRPC goes to port 6334 of the host, whatever the url says: a host where nobody listens.
    url = f"http://127.9.8.7:{closed_port}"
    settings = StoreSettings(url=url, grpc=grpc, timeout_s=2, retries=1)
    with pytest.raises(StoreUnavailable, match=r"Is the server of store\.url up\?"):
        await open_collection(connect(settings, 0.01), "any")
    server = connect(settings, 0.01)
    with pytest.raises(StoreUnavailable):
        await create_collection(server, "any", SPEC)
    with pytest.raises(StoreUnavailable):
        await names_on(server)
    with pytest.raises(StoreUnavailable):
        await ServerStore(server, "any").count()
    await server.close()


@pytest.mark.parametrize("url", ["ftp://host:6333", "not a url", "http://host:99999"])
async def test_a_url_that_is_none_is_a_fault_of_the_settings(url: str) -> None:
    with pytest.raises(BadSettings, match=r"store\.url is .*http://HOST:6333"):
        connect(StoreSettings(url=url))
