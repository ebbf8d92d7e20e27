"""What speaks against an answer is shown with it, and a long document where it is cited."""

import json
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.api.page.conftest import Visitor
from tests.api.page.visiting import replies

QUESTION = "How long does the sample freezer stay cold without power?"
Json = dict[str, Any]


@pytest.fixture
def answer(site: httpx.Client) -> Json:
    """An answer of the server's, to be changed."""
    asked = {"query": QUESTION, "collection": "handbook"}
    told: Json = site.post("/v1/answer", json=asked).json()
    assert len(told["sentences"]) > 1
    return told


def answered(page: Page, answer: Json) -> None:
    """Ask, and let this be the answer."""
    events = [("meta", {}), ("search_results", {"references": answer["references"]})]
    events += [("final", answer), ("done", {})]
    body = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)
    replies(page, "**/v1/answer", body=body, content_type="text/event-stream")
    page.fill("#question", QUESTION)
    page.keyboard.press("Enter")
    expect(page.locator("#outcome[aria-busy=false] .verdict")).to_be_visible()


def test_what_no_source_carries_is_marked_and_named(
    site: httpx.Client, visitor: Visitor, answer: Json
) -> None:
    first, second, *_ = answer["sentences"]
    first |= {"support": "none", "faults": ["number 36", "name <b>Ada</b>"]}
    second |= {"support": "partial"}
    page = visitor(site).open()
    answered(page, {**answer, "answerable": "partial", "reason": "not found: 36"})
    expect(page.locator(".verdict")).to_contain_text("Answered in part")
    expect(page.locator(".reason")).to_have_text("not found: 36")
    doubts = page.locator(".doubt").all_text_contents()
    assert doubts == ["not supported: number 36, name <b>Ada</b>", "partly supported"]
    expect(page.locator(".sentence[data-support=none]")).to_have_count(1)


def test_contradictions_and_what_is_superseded_are_shown_with_their_quotes(
    site: httpx.Client, visitor: Visitor, answer: Json
) -> None:
    one = answer["sentences"][0]["citations"][0]
    other = answer["sentences"][1]["citations"][0]
    one["superseded"] = "2025-03-01"
    pair = {"kind": "number", "one": one, "other": other}
    page = visitor(site).open()
    answered(page, {**answer, "contradictions": [pair]})
    expect(page.locator(".sources .warned")).to_contain_text("since 2025-03-01")
    shown = page.get_by_role("region", name="Sources that contradict each other")
    expect(shown).to_contain_text("They differ in a number.")
    shown.get_by_role("button").last.click()
    expect(page.locator("#reader mark")).to_have_text(other["quote"])


def test_a_stage_that_failed_is_told(site: httpx.Client, visitor: Visitor, answer: Json) -> None:
    answer["trace"][-1] |= {"status": "failed", "detail": "extractive, for inline failed: gone"}
    page = visitor(site).open()
    answered(page, answer)
    expect(page.locator("#outcome p.warned")).to_contain_text(
        "generate failed: extractive, for inline"
    )


def test_quotes_that_are_not_the_sentence_itself_are_shown(
    site: httpx.Client, visitor: Visitor, answer: Json
) -> None:
    citation = answer["sentences"][0]["citations"][0]
    answer["sentences"][0]["citations"] = [{**citation, "page": 3}]
    answer["sentences"][0]["text"] = "It stays cold for long."
    page = visitor(site).open()
    answered(page, answer)
    expect(page.locator(".sources blockquote")).to_have_count(1)
    expect(page.locator(".sources blockquote")).to_contain_text("page 3")
    page.locator(".sources .quoted").click()
    expect(page.locator("#reader mark")).to_have_text(citation["quote"])


def test_a_long_document_is_shown_around_the_quote_and_in_parts(
    site: httpx.Client, visitor: Visitor, answer: Json
) -> None:
    citation = answer["sentences"][0]["citations"][0]
    whole = site.get(f"/v1/documents/{citation['document_id']}", params={"collection": "handbook"})
    page = visitor(site).open()
    replies(page, "**/v1/documents/**", json={**whole.json(), "total": 5_000, "offset": 900})
    answered(page, answer)
    with page.expect_request("**/v1/documents/**") as made:
        page.locator(".cite").first.click()
    assert f"chunk={citation['chunk_id']}" in made.value.url
    for name, offset in (("Earlier", 500), ("Later", 1_300)):
        with page.expect_request("**/v1/documents/**") as made:
            page.get_by_role("button", name=name).click()
        assert f"offset={offset}" in made.value.url
        assert "chunk=" not in made.value.url
