"""Spans and late fixes in the browser are those of Python, whatever the text."""

from collections.abc import Iterator, Sequence

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from rag.citing.events import placed
from rag.values import Verification
from tests.api.page.visiting import visit

PIECES = ["a", " ", "é", "\u0301", "漢", "😀", "👩\u200d👧", "𝒜", "\n", "\u202e"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=40).map("".join) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=60
)


@pytest.fixture(scope="module")
def page(browser: Browser, site: httpx.Client) -> Iterator[Page]:
    here = visit(browser, str(site.base_url))
    yield here.open()
    here.check()
    here.context.close()


def called(page: Page, module: str, function: str, *given: object) -> object:
    """What a function of the page's returns."""
    does = "async ([m, f, given]) => (await import(`/page/${m}.js`))[f](...given)"
    found: object = page.evaluate(does, [module, function, list(given)])
    return found


@given(TEXTS, st.integers(0, 70), st.integers(0, 70))
@settings(max_examples=150, deadline=None)
def test_a_text_is_cut_at_code_points(page: Page, text: str, one: int, other: int) -> None:
    start, end = min(one, other), max(one, other)
    assert called(page, "points", "cut", text, start, end) == text[start:end]


@st.composite
def told(draw: st.DrawFn) -> tuple[str, list[tuple[int, int]], list[Verification]]:
    """A text with the spans of its sentences, and fixes of some."""
    text = draw(TEXTS)
    edges = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    spans = list(zip(edges[::2], edges[1::2], strict=False))
    numbers = draw(st.sets(st.sampled_from(range(len(spans))))) if spans else set()
    fixes = [
        Verification(
            number, "none", draw(st.sampled_from(["keep", "drop", "rewrite"])), draw(TEXTS)
        )
        for number in numbers
    ]
    return text, spans, fixes


@given(told())
@settings(max_examples=150, deadline=None)
def test_late_fixes_are_applied_as_the_server_does(
    page: Page, case: tuple[str, Sequence[tuple[int, int]], Sequence[Verification]]
) -> None:
    text, spans, fixes = case
    sent = [{"sentence": f.sentence, "action": f.action, "text": f.text} for f in fixes]
    does = """async ([text, spans, fixes]) => {
      const made = (await import("/page/points.js")).placed(text, spans, fixes);
      return [made.text, [...made.places]];
    }"""
    mended, places = page.evaluate(does, [text, [list(span) for span in spans], sent])
    expected, at = placed(text, spans, fixes)
    assert mended == expected
    assert {number: tuple(span) for number, span in places} == dict(at)


@given(TEXTS.map(lambda text: text.replace("\u202e", "\n\n")))
@settings(max_examples=150, deadline=None)
def test_paragraphs_are_the_text_itself(page: Page, text: str) -> None:
    spans = called(page, "paragraphs", "blocks", text)
    units = text.encode("utf-16-le")
    assert isinstance(spans, list)
    assert b"".join(units[2 * start : 2 * end] for start, end in spans) == units
