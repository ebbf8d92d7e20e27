"""The labelling page in a real browser, opened as a file: by keyboard, and what comes out of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from eval.checking.labelled import read_sheet
from eval.checking.sampling import draw
from eval.checking.sheet import to_csv, to_page
from rag.values import Case
from tests.api.page.visiting import PATIENCE_MS

SAMPLE = draw({"q1": {"a": 0, "b": 3}, "q2": {"c": 1}}, "judge", top=3)
CASES = tuple(
    (
        pair.pair_id,
        Case(
            pair.query_id,
            f'=what is "{pair.document_id}"?',
            pair.document_id,
            f"<b>Passage</b> {pair.document_id},\nof two lines </script>",
        ),
    )
    for pair in SAMPLE.pairs
)


@dataclass
class Opened:
    """The page, and what it did that it must not."""

    context: BrowserContext
    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


def opened(browser: Browser, file: Path, scheme: Literal["light", "dark"] = "light") -> Opened:
    context = browser.new_context(color_scheme=scheme, accept_downloads=True)
    context.set_default_timeout(PATIENCE_MS)
    here = Opened(context, context.new_page())
    here.page.on("request", lambda request: here.asked.append(request.url))
    here.page.on("pageerror", lambda error: here.complaints.append(str(error)))
    here.page.on("console", lambda message: here.complaints.append(message.text))
    here.page.goto(file.as_uri())
    return here


@pytest.fixture
def file(tmp_path: Path) -> Path:
    page = tmp_path / "label.html"
    page.write_text(to_page(CASES, SAMPLE.top, "Label tiny"), encoding="utf-8")
    return page


@pytest.fixture
def here(browser: Browser, file: Path) -> Iterator[Opened]:
    visit = opened(browser, file)
    yield visit
    assert not visit.complaints
    assert all(url.startswith(("file:", "data:", "blob:")) for url in visit.asked), visit.asked
    visit.context.close()


def download(page: Page, to: Path) -> Path:
    with page.expect_download() as coming:
        page.get_by_role("button", name="Download the CSV").click()
    saved = to / coming.value.suggested_filename
    coming.value.save_as(saved)
    return saved


def test_pairs_are_labelled_by_keyboard_and_the_report_reads_what_is_downloaded(
    here: Opened, tmp_path: Path
) -> None:
    page = here.page
    expect(page.locator("#place")).to_have_text("Pair 1 of 3")
    page.keyboard.press("3")
    expect(page.locator("#place")).to_have_text("Pair 2 of 3")
    page.keyboard.press("n")
    page.keyboard.type('it says "2", or 3')
    page.keyboard.press("Escape")
    page.keyboard.press("7")  # not on the scale: nothing happens
    expect(page.locator("#place")).to_have_text("Pair 2 of 3")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("0")
    expect(page.locator("#count")).to_have_text("2 of 3 labelled")
    page.get_by_label("Your name, for the file").fill("Ann Lee")
    saved = download(page, tmp_path)
    assert saved.name == "Ann-Lee.csv"
    rows = read_sheet(saved, SAMPLE)
    assert [row.grade for row in rows] == [3, None, 0]
    assert rows[1].note == 'it says "2", or 3'


def test_a_page_without_labels_downloads_the_very_sheet(here: Opened, tmp_path: Path) -> None:
    saved = download(here.page, tmp_path)
    assert saved.name == "labels.csv"
    assert saved.read_bytes().decode("utf-8-sig") == to_csv(CASES)


def test_labels_are_still_there_when_the_page_is_opened_again(here: Opened) -> None:
    here.page.keyboard.press("2")
    here.page.keyboard.press("1")
    here.page.reload()
    expect(here.page.locator("#place")).to_have_text("Pair 3 of 3")
    expect(here.page.locator("#count")).to_have_text("2 of 3 labelled")
    here.page.keyboard.press("ArrowLeft")
    expect(here.page.get_by_role("radio").nth(1)).to_be_checked()


def test_a_grade_can_be_taken_away_and_the_next_open_pair_be_found(here: Opened) -> None:
    page = here.page
    for grade in "123":
        page.keyboard.press(grade)
    page.get_by_role("button", name="Next without a grade").click()
    expect(page.get_by_role("status")).to_have_text("Every pair has a grade.")
    page.keyboard.press("ArrowLeft")
    page.get_by_role("button", name="Take the grade away").click()
    page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="Next without a grade").click()
    expect(page.locator("#place")).to_have_text("Pair 2 of 3")


def test_texts_of_documents_are_shown_and_not_run(here: Opened) -> None:
    expect(here.page.locator("#text")).to_contain_text("<b>Passage</b>")
    assert here.page.locator("#text b").count() == 0


def test_without_storage_it_works_and_warns(browser: Browser, file: Path, tmp_path: Path) -> None:
    context = browser.new_context(accept_downloads=True)
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('no'); }});"
    )
    page = context.new_page()
    page.goto(file.as_uri())
    expect(page.get_by_role("status")).to_contain_text("keeps nothing here")
    page.keyboard.press("2")
    assert read_sheet(download(page, tmp_path), SAMPLE)[0].grade == 2
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_label(
    browser: Browser, file: Path, scheme: Literal["light", "dark"]
) -> None:
    here = opened(browser, file, scheme)
    here.page.keyboard.press("2")
    found = Axe().run(here.page)
    assert found.violations_count == 0, found.generate_report()
    here.context.close()
