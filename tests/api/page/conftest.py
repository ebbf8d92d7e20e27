"""A Chromium of the machine, and a server over documents that are hard to show."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Unpack

import httpx
import pytest
from playwright.sync_api import Browser

from api.app import create_app
from rag.settings import Settings
from tests.api.page.documents import DOCUMENTS
from tests.api.page.visiting import Look, Visit, apart, visit
from tests.api.served import Served, engine_of, settings_over, wait_until_ready

Visitor = Callable[..., Visit]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A ready server over the documents, in the collections "handbook" and "other"."""
    with serving(settings_over(tmp_path_factory.mktemp("site") / "store")) as client:
        yield client


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    """A function that opens a visit; what none may do is looked at in the end."""
    visits: list[Visit] = []

    def come(client: httpx.Client, **given: Unpack[Look]) -> Visit:
        visits.append(visit(browser, str(client.base_url), **given))
        return visits[-1]

    yield come
    for each in visits:
        each.check()
        each.context.close()


@contextmanager
def serving(settings: Settings) -> Iterator[httpx.Client]:
    """Serve the documents, in the collections "handbook" and "other"."""

    async def fill() -> None:
        engine = engine_of(settings)
        await engine.index(DOCUMENTS, "handbook")
        await engine.index(DOCUMENTS[:1], "other")
        await engine.close()

    apart(lambda: asyncio.run(fill()))
    served = Served(create_app(settings, lambda: engine_of(settings)))
    try:
        wait_until_ready(served.client)
        yield served.client
    finally:
        served.stop()
