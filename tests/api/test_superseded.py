"""What was superseded, over HTTP: told, hidden, or asked for as of a date."""

import asyncio
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from indexers.stores.edge import open_edge
from rag.settings import Settings
from rag.values import Validity
from tests.api.served import Serve, engine_of, wait_until_ready

UNTIL = "2024-05-01"
FREEZER = {"query": "How long does the sample freezer stay cold without power?"}


@pytest.fixture
def client(filled: Settings, serve: Serve) -> httpx.Client:
    """A client of a server whose freezer.md was superseded."""

    async def mark() -> None:
        store = open_edge(Path(filled.store.path) / "handbook@1")
        chunks = [point.chunk async for page in store.scan() for point in page]
        (id_,) = [chunk.id for chunk in chunks if chunk.document_id == "freezer.md"]
        await store.mark({id_: Validity("2020-01-01", UNTIL, "newer")})
        await store.close()

    asyncio.run(mark())
    client = serve(create_app(filled, lambda: engine_of(filled)))
    wait_until_ready(client)
    return client


def test_it_is_told_of_results_and_citations_or_hidden(client: httpx.Client) -> None:
    (result, *_) = client.post("/v1/search", json=FREEZER).json()["results"]
    assert result["document_id"] == "freezer.md"
    fields = ("valid_from", "valid_to", "superseded_by")
    assert [result[name] for name in fields] == ["2020-01-01", UNTIL, "newer"]
    sentence, *_ = client.post("/v1/answer", json=FREEZER).json()["sentences"]
    assert sentence["citations"][0]["superseded"] == UNTIL
    for more, there in (
        ({"superseded": "hide"}, False),
        ({"superseded": "show"}, True),
        ({"as_of": "2024-04-30T23:00Z"}, True),
        ({"as_of": UNTIL}, False),
        ({"as_of": "2019"}, False),
    ):
        results = client.post("/v1/search", json={**FREEZER, **more}).json()["results"]
        assert ("freezer.md" in {one["document_id"] for one in results}) is there, more


@pytest.mark.parametrize(
    ("more", "named"),
    [({"as_of": "yesterday"}, "2024-05-01"), ({"superseded": "gone"}, "superseded")],
)
def test_what_cannot_be_read_is_refused(
    client: httpx.Client, more: dict[str, str], named: str
) -> None:
    reply = client.post("/v1/search", json={**FREEZER, **more})
    assert reply.status_code == 400
    assert named in reply.text
