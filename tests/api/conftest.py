"""Servers in threads to ask over HTTP: one shared and full, others as a test likes."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from litestar import Litestar

from api.app import create_app
from rag.settings import Settings
from tests.api.collected import Collector, collecting
from tests.api.served import Serve, Served, engine_of, fill, settings_over, wait_until_ready


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a ready server over the documents, shared by the tests that only ask."""
    settings = settings_over(tmp_path_factory.mktemp("shared"))
    fill(settings)
    served = Served(create_app(settings, lambda: engine_of(settings)))
    wait_until_ready(served.client)
    yield served.client
    served.stop()


@pytest.fixture
def empty(tmp_path: Path) -> Settings:
    """Settings over a store that holds nothing."""
    return settings_over(tmp_path / "store")


@pytest.fixture
def filled(empty: Settings) -> Settings:
    """Settings over a store that holds the documents."""
    fill(empty)
    return empty


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A function that serves an application until the test ends."""
    running: list[Served] = []

    def start(app: Litestar) -> httpx.Client:
        running.append(Served(app))
        return running[-1].client

    yield start
    for served in running:
        served.stop()


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector of traces."""
    with collecting() as found:
        yield found
