"""The page over the example handbook with the packaged models, as the documentation shows it.

With FIRSTCITE_RENEW_SCREENSHOTS=1 (`make screenshots`) the pictures are written into docs/images.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from api.app import create_app
from indexers.reading import read_paths
from rag.sections import AnswerSettings, ServerSettings, StoreSettings
from rag.settings import Settings
from rag.values import Document, Fault, Notice
from rag.wiring import build
from tests.api.page.conftest import Visitor
from tests.api.page.visiting import apart
from tests.api.served import Served
from tests.browsing import shoot

ROOT = Path(__file__).parents[3]
CORPUS = ROOT / "examples" / "handbook"
QUESTION = "How long does the sample freezer stay cold without power?"
DATE = "By what date must applications from visiting researchers reach the station manager?"
SOUGHT = "keeping a dog on the lead"

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def handbook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server over the example handbook, with the packaged models."""
    folder = tmp_path_factory.mktemp("handbook")
    settings = Settings(
        store=StoreSettings(path=str(folder / "store")),
        answer=AnswerSettings(sentences=4),
        server=ServerSettings(
            collection="handbook", keys=str(folder / "keys.json"), jobs=str(folder / "jobs")
        ),
    )

    async def fill() -> None:
        engine = build(settings)
        await engine.index(map(_of_the_checkout, read_paths([CORPUS])), "handbook")
        await engine.close()

    apart(lambda: asyncio.run(fill()))
    served = Served(create_app(settings, lambda: build(settings)))
    try:
        for _ in range(600):
            if served.client.get("/ready").status_code == 200:
                break
            apart(lambda: asyncio.run(asyncio.sleep(0.1)))
        yield served.client
    finally:
        served.stop()


def _of_the_checkout(item: Document | Fault | Notice) -> Document | Fault | Notice:
    """Let sources be told from the checkout on: no picture shows where that is."""
    if not isinstance(item, Document):
        return item
    return replace(item, source=str(Path(item.source).relative_to(ROOT)))


def test_the_page_looks_as_the_documentation_shows_it(
    handbook: httpx.Client, visitor: Visitor, tmp_path: Path
) -> None:
    here = visitor(handbook, device_scale_factor=1.5, viewport={"width": 1280, "height": 760})
    page = here.open()
    here.ask(DATE)
    expect(page.locator(".answer")).to_contain_text("by 31 January")
    page.get_by_text("How it was made").click()
    shoot(page, "ask")
    here.ask(QUESTION)
    expect(page.locator(".answer")).to_contain_text("about 9 hours")
    page.locator(".cite").first.click()
    mark = page.locator("#reader mark")
    expect(mark).to_have_text(
        "Without power the sample freezer stays below\n-60 °C for about 9 hours if the door is "
        "kept shut."
    )
    shoot(page, "citation")
    page.get_by_role("button", name="Use dark colours").click()
    shoot(page, "dark")
    page.get_by_role("button", name="Use light colours").click()
    page.keyboard.press("Escape")

    page.check("#mode-search", force=True)
    expect(page.locator(".result").first).to_be_visible()
    page.fill("#question", SOUGHT)
    page.keyboard.press("Enter")
    expect(page.locator(".result h2").first).to_contain_text("Dogs and Pets")
    page.get_by_text("Why this result").first.click()
    shoot(page, "explain")

    page.goto(f"{here.origin}/#q=Who+may+land+on+the+island%3F&collection=library")
    page.reload()
    expect(page.locator(".problem")).to_contain_text("firstcite index PATH")
    shoot(page, "error")

    page.goto("about:blank")
    here.open()
    page.get_by_role("button", name="Add documents").click()
    (tmp_path / "tide-times.md").write_text("# Tides\n\nHigh water is at noon.\n", "utf-8")
    (tmp_path / "scan.pdf").write_bytes(b"%PDF-1.7 and nothing else")
    page.fill("#into", "notes")
    page.set_input_files("#files", [tmp_path / "scan.pdf", tmp_path / "tide-times.md"])
    expect(page.locator("#uploads progress")).to_have_count(0, timeout=60_000)
    shoot(page, "upload")
    page.get_by_role("button", name="Close").click()


def test_a_narrow_window_shows_all_of_it(handbook: httpx.Client, visitor: Visitor) -> None:
    here = visitor(handbook, device_scale_factor=2, viewport={"width": 390, "height": 760})
    here.open()
    here.ask(QUESTION)
    shoot(here.page, "narrow")
