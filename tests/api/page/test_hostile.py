"""Documents, questions and file names that are markup or code stay texts."""

from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.api.page.conftest import Visitor
from tests.api.page.documents import HOSTILE

ATTACK = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"


def alarmed(page: Page) -> list[str]:
    """The dialogs that scripts open from now on: there must be none."""
    heard: list[str] = []

    def hear(dialog: object) -> None:
        heard.append(str(dialog))

    page.on("dialog", hear)
    return heard


@pytest.mark.parametrize("mode", ["ask", "search"])
def test_a_hostile_document_is_shown_and_runs_nothing(
    site: httpx.Client, visitor: Visitor, mode: str
) -> None:
    here = visitor(site)
    page = here.open()
    heard = alarmed(page)
    if mode == "ask":
        here.ask("The lantern burns oil?")
        page.locator(".cite").first.click()
    else:
        page.check("#mode-search", force=True)
        page.fill("#question", "lantern")
        page.keyboard.press("Enter")
        page.locator(".result h2 button").first.click()
    expect(page.locator("#reader mark").first).to_be_visible()
    assert page.locator("#reader-text").text_content() == HOSTILE.text
    expect(page.locator("#reader-title")).to_have_text(HOSTILE.title)
    expect(page.locator("#reader-origin")).to_have_text(HOSTILE.source)
    links = page.locator("#outcome a, #reader a").evaluate_all("all => all.map(a => a.protocol)")
    assert set(links) <= {"https:"}, "javascript: is no address"
    assert page.locator("main img, main script, dialog img, dialog script").count() == 0
    assert not heard


def test_a_document_of_the_web_is_a_link_that_tells_nothing(
    site: httpx.Client, visitor: Visitor
) -> None:
    here = visitor(site)
    page = here.open()
    here.ask("How long does the sample freezer stay cold without power?")
    link = page.locator(".sources a").first
    expect(link).to_have_attribute("href", "https://handbook.example/freezer")
    expect(link).to_have_attribute("rel", "noopener noreferrer")


def test_a_hostile_address_runs_nothing(site: httpx.Client, visitor: Visitor) -> None:
    here = visitor(site)
    page = here.open()
    heard = alarmed(page)
    for place in (
        f"#q={ATTACK}",
        f"#q=x&collection={ATTACK}",
        f"#q=x&filter={ATTACK}",
        f"#q=x&preset={ATTACK}",
        "#%",
        "#q=%ff",
    ):
        page.goto("about:blank")
        page.goto(f"{here.origin}/{place}")
        expect(page.locator("#collection option").first).to_be_attached()
        expect(page.locator("#stop")).to_be_hidden()
    assert not heard


def test_a_hostile_file_name_runs_nothing(
    site: httpx.Client, visitor: Visitor, tmp_path: Path
) -> None:
    file = tmp_path / "<img src=x onerror=alert(1)>\u202egnp.exe"
    file.write_bytes(b"x")
    page = visitor(site).open()
    heard = alarmed(page)
    page.get_by_role("button", name="Add documents").click()
    page.set_input_files("#files", file)
    expect(page.locator("#uploads")).to_contain_text("is unknown")
    expect(page.locator("#uploads .name")).to_have_text(file.name)
    assert not heard


def test_the_policy_stops_what_a_script_would_inject(site: httpx.Client, visitor: Visitor) -> None:
    here = visitor(site)
    page = here.open()
    injected = page.evaluate(
        """() => { try { document.body.insertAdjacentHTML("beforeend", "<b>x</b>"); return true }
                   catch { return false } }"""
    )
    assert not injected
    assert page.evaluate("window.violations.splice(0).length") == 1, (
        "the watch of these tests works"
    )
    here.complaints.clear()
