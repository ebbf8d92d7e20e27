"""A Qdrant server that goes while it is searched, and comes back: said so, and gone on with."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from api.app import create_app
from rag.sections import StoreSettings
from rag.settings import Settings
from tests.api.qdrant_stand_in import StandIn
from tests.api.served import DOCUMENTS, Served, engine_of, settings_over, wait_until_ready
from tests.api.test_errors import refused

QUERY = {"query": "How long does the sample freezer stay cold?"}

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant")


@pytest.fixture
def qdrant(tmp_path: Path) -> Iterator[StandIn]:
    settings = settings_over(tmp_path / "stand-in")
    made = StandIn(replace(settings, store=StoreSettings(url=":memory:")))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def client(qdrant: StandIn, tmp_path: Path) -> Iterator[httpx.Client]:
    store = StoreSettings(url=qdrant.url, grpc=False, retries=1, timeout_s=2.0)
    settings: Settings = replace(settings_over(tmp_path / "store"), store=store)
    served = Served(create_app(settings, lambda: engine_of(settings)))
    wait_until_ready(served.client)
    yield served.client
    served.stop()


def test_a_store_that_goes_is_said_and_one_that_comes_back_is_searched(
    qdrant: StandIn, client: httpx.Client
) -> None:
    found = client.post("/v1/search", json=QUERY).json()["results"]
    assert found[0]["document_id"] == DOCUMENTS[0].id
    answered = client.post("/v1/answer", json=QUERY).json()["answer"]
    for _ in range(2):
        qdrant.stop()
        for path in ("/v1/search", "/v1/answer"):
            told = refused(client.post(path, json=QUERY), 503)
            assert told["type"] == "urn:firstcite:error:StoreUnavailable", told
            assert qdrant.url in str(told["detail"])
        assert client.get("/ready").status_code == 503
        assert client.get("/health").status_code == 200
        assert client.post("/rerank", json={"query": "ice", "texts": ["ice"]}).status_code == 200
        qdrant.start()
        assert client.get("/ready").status_code == 200
        assert client.post("/v1/search", json=QUERY).json()["results"] == found
        assert client.post("/v1/answer", json=QUERY).json()["answer"] == answered
