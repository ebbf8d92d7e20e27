"""The page for everybody: by keyboard, by screen reader, dark, narrow, without scripts."""

import json
from collections.abc import Callable

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.api.page.conftest import Visitor
from tests.api.page.visiting import Look, Visit, replies

QUESTION = "How long does the sample freezer stay cold without power?"
LOOKS: dict[str, Look] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "narrow": {"viewport": {"width": 360, "height": 740}},
}


def ask(here: Visit) -> None:
    here.ask(QUESTION)
    here.page.get_by_text("How it was made").click()


def look_up(here: Visit) -> None:
    here.ask(QUESTION)
    here.page.locator(".cite").first.click()
    expect(here.page.locator("#reader mark").first).to_be_visible()


def search(here: Visit) -> None:
    here.page.check("#mode-search", force=True)
    here.page.fill("#question", "freezer penguin lantern")
    here.page.keyboard.press("Enter")
    here.page.get_by_text("Why this result").first.click()
    here.page.get_by_text("What was looked for").click()


def choose(here: Visit) -> None:
    here.page.locator("#filters > summary").click()
    here.page.get_by_role("button", name="Add a filter").click()
    here.page.locator("#filter-raw > summary").click()
    here.page.locator("#options > summary").click()
    here.page.get_by_text("Expansions", exact=True).click()


def add(here: Visit) -> None:
    here.page.get_by_role("button", name="Add documents").click()
    here.page.get_by_text("Or write a text").click()


def fail(here: Visit) -> None:
    told = {"status": 429, "title": "Too much", "detail": "later", "type": "t"}
    replies(here.page, "**/v1/answer", status=429, json=told, headers={"retry-after": "2"})
    here.page.fill("#question", QUESTION)
    here.page.keyboard.press("Enter")
    expect(here.page.locator(".problem")).to_be_visible()


STATES: dict[str, Callable[[Visit], None]] = {
    "start": lambda _: None,
    **{state.__name__: state for state in (ask, look_up, search, choose, add, fail)},
}


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing(site: httpx.Client, visitor: Visitor, look: str) -> None:
    axe = Axe()
    for name, state in STATES.items():
        here = visitor(site, reduced_motion="reduce", **LOOKS[look])
        page = here.open()
        state(here)
        found = axe.run(page, options={"resultTypes": ["violations"]})
        assert not found.response["violations"], f"{name}: {found.generate_report()}"
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{name} is {wide} px too wide"
        here.check()


def test_everything_can_be_done_by_keyboard(site: httpx.Client, visitor: Visitor) -> None:
    page = visitor(site).open()
    press = page.keyboard.press
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.type(QUESTION)
    press("Enter")
    expect(page.locator("#outcome[aria-busy=false] .cite").first).to_be_visible()
    _tab_to(page, ".cite")
    press("Enter")
    expect(page.locator("#reader mark").first).to_be_focused()
    press("Escape")
    expect(page.locator("#reader")).to_be_hidden()
    expect(page.locator(".cite").first).to_be_focused()
    _tab_to(page, ".fold > summary")
    press("Enter")
    expect(page.locator(".stages")).to_be_visible()
    press("/")
    expect(page.locator("#question")).to_be_focused()
    press("Shift+Tab")
    press("ArrowRight")
    expect(page.locator(".result").first).to_be_visible()
    _tab_to(page, "#filters > summary")
    press("Enter")
    _tab_to(page, "#filter-add")
    press("Enter")
    expect(page.get_by_label("Field 1")).to_be_focused()
    _tab_to(page, ".why > summary")
    press("Enter")
    expect(page.locator(".why table").first).to_be_visible()
    press("Shift+Tab")
    page.locator("#add").focus()
    press("Enter")
    expect(page.locator("#adding")).to_be_visible()
    press("Escape")
    expect(page.locator("#add")).to_be_focused()


def _tab_to(page: Page, selector: str) -> None:
    """Press Tab until something of this kind has the focus, and shows it."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            shown = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert shown != "none", "the focus is not seen"
            return
    raise AssertionError(f"no Tab leads to {selector}")


def test_the_answer_is_said_sentence_by_sentence(site: httpx.Client, visitor: Visitor) -> None:
    here = visitor(site)
    page = here.open()
    here.ask(QUESTION)
    expect(page.locator("#status")).to_have_attribute("aria-live", "polite")
    said = page.locator("#status p").all_text_contents()
    sentences = page.locator(".sentence").all_text_contents()
    assert [line.partition(" (source")[0] for line in said[-1 - len(sentences) : -1]] == sentences
    assert said[-1].startswith("The answer is complete.")
    names = page.locator(".cite").evaluate_all("all => all.map(c => c.ariaLabel)")
    assert set(names) == {"Source 1: Freezer"}


def test_colours_can_be_chosen_and_stay_chosen(site: httpx.Client, visitor: Visitor) -> None:
    page = visitor(site, color_scheme="light").open()
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.get_by_role("button", name="Use dark colours").click()
    dark = page.evaluate(colour)
    assert dark != light
    page.reload()
    assert page.evaluate(colour) == dark
    page.get_by_role("button", name="Use light colours").click()
    assert page.evaluate(colour) == light


def test_a_narrow_window_shows_the_document_alone(site: httpx.Client, visitor: Visitor) -> None:
    here = visitor(site, viewport={"width": 360, "height": 740})
    page = here.open()
    look_up(here)
    assert page.locator("#reader").evaluate("d => d.matches(':modal') && d.clientWidth") == 360
    page.set_viewport_size({"width": 1400, "height": 740})
    expect(page.locator("#reader:not(:modal)")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(page.locator(".cite").first).to_be_focused()


def test_without_scripts_the_page_says_what_to_do(site: httpx.Client, visitor: Visitor) -> None:
    here = visitor(site, java_script_enabled=False)
    here.page.goto(here.origin)
    expect(here.page.get_by_text("This page needs JavaScript")).to_be_visible()
    expect(here.page.get_by_text("POST /v1/answer")).to_be_visible()
    expect(here.page.locator("#question")).to_be_hidden()


def test_a_server_that_still_loads_is_waited_for(site: httpx.Client, visitor: Visitor) -> None:
    here = visitor(site)
    told = {"status": 503, "type": "urn:firstcite:error:StillLoading", "title": "t", "detail": "d"}
    headers = {"retry-after": "1", "content-type": "application/problem+json"}
    replies(here.page, "**/v1/collections", status=503, body=json.dumps(told), headers=headers)
    here.page.goto(here.origin)
    expect(here.page.locator("#loading")).to_be_visible()
    here.page.unroute("**/v1/collections")
    expect(here.page.locator("#collection option").first).to_be_attached()
    expect(here.page.locator("#loading")).to_be_hidden()
