"""The HTML in a real browser."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from eval.reports.writing import write_report
from eval.tables import ROOT
from tests.eval.reports.records import record


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    write_report(record(tmp_path_factory.mktemp("record")), out)
    return out / "report.html"


def open_alone(page: Page, file: Path) -> None:
    """Open a file that asks for nothing else and complains of nothing."""
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(file.as_uri())
    assert asked == [file.as_uri()]
    assert not said


@pytest.mark.parametrize("width", [1280, 380])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_report_asks_for_nothing_and_complains_of_nothing(
    browser: Browser, file: Path, scheme: str, width: int
) -> None:
    page = browser.new_page(
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": 800},
    )
    open_alone(page, file)
    assert page.locator("figure svg").count() == page.locator("figure table").count() >= 7
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(23, 24, 27)") is (scheme == "dark")
    page.close()


@pytest.mark.parametrize(
    "file",
    sorted((ROOT / "eval" / "results").glob("*/report.html")),
    ids=lambda file: file.parent.name,
    scope="module",
)
def test_a_committed_report_asks_for_nothing_and_every_chart_has_its_table(
    browser: Browser, file: Path
) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    open_alone(page, file)
    for figure in page.locator("figure:has(svg)").all():
        assert figure.locator("table").count() == 1
    assert page.locator("figure:has(svg)").count() >= 7
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_report_is_accessible(browser: Browser, file: Path, scheme: str) -> None:
    page = browser.new_page(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()
    page.close()


def test_print_shows_the_tables_that_the_screen_folds(browser: Browser, file: Path) -> None:
    page = browser.new_page()
    page.goto(file.as_uri())
    folded = page.locator("figure table").first
    assert not folded.is_visible()
    page.emulate_media(media="print")
    assert folded.is_visible()
    assert not page.locator("nav").is_visible()
    page.close()
