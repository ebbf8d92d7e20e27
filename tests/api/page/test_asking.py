"""A question is asked: its answer grows, and every citation leads to the quote in its document."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
from playwright.sync_api import expect

from rag.sections import AnswerSettings, LLMSettings
from rag.settings import Settings
from tests.api.page.conftest import Visitor, serving
from tests.api.page.documents import FREEZER, WIDE
from tests.api.page.visiting import Visit, replies
from tests.api.served import settings_over
from tests.api.upstreamed import Canned, running, says
from tests.rag.llms.upstream import Asked, Step, Write, event, stream

QUESTION = "How long does the sample freezer stay cold without power?"
PENGUIN = "How many fish does the penguin 🐧 eat a day?"


def marked(visit: Visit) -> str:
    """What is marked in the document that is shown."""
    expect(visit.page.locator("#reader mark").first).to_be_visible()
    return "".join(
        visit.page.locator("#reader mark").evaluate_all("all => all.map(m => m.textContent)")
    )


def even(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def test_the_answer_is_the_servers_and_every_citation_marks_its_quote(
    site: httpx.Client, visitor: Visitor
) -> None:
    here = visitor(site)
    here.open()
    for question, document in ((QUESTION, FREEZER), (PENGUIN, WIDE)):
        asked = {"query": question, "collection": "handbook"}
        answer = site.post("/v1/answer", json=asked).json()
        citations = [c for sentence in answer["sentences"] for c in sentence["citations"]]
        assert document.id in {citation["document_id"] for citation in citations}
        here.ask(question)
        sentences = here.page.locator(".sentence").all_text_contents()
        assert list(map(even, sentences)) == [even(s["text"]) for s in answer["sentences"]]
        buttons = here.page.locator(".cite")
        expect(buttons).to_have_count(len(citations))
        for at, citation in enumerate(citations):
            buttons.nth(at).click()
            assert marked(here) == citation["quote"]
            here.page.keyboard.press("Escape")
            expect(buttons.nth(at)).to_be_focused()


def test_the_document_is_shown_as_it_is(site: httpx.Client, visitor: Visitor) -> None:
    here = visitor(site)
    here.open()
    for question, document in ((QUESTION, FREEZER), (PENGUIN, WIDE)):
        here.ask(question)
        here.page.locator(".cite", has_text="1").first.click()
        marked(here)
        expect(here.page.locator("#reader-title")).to_have_text(document.title)
        assert here.page.locator("#reader-text").text_content() == document.text
        here.page.keyboard.press("Escape")


def test_who_goes_on_typing_while_the_document_closes_is_not_called_back(
    site: httpx.Client, visitor: Visitor
) -> None:
    """The browser tells of the closing a moment later, when the next question has been begun."""
    here = visitor(site)
    here.open()
    here.ask(QUESTION)
    here.page.locator(".cite").first.click()
    marked(here)
    here.page.evaluate(
        "() => { document.querySelector('#reader').close();"
        " document.querySelector('#question').focus(); }"
    )
    expect(here.page.locator("body")).not_to_have_class(re.compile("reading"))
    expect(here.page.locator("#question")).to_be_focused()


def test_one_steps_from_quote_to_quote(site: httpx.Client, visitor: Visitor) -> None:
    here = visitor(site)
    here.open()
    here.ask(QUESTION)
    quotes = here.page.locator(".cite").count()
    assert quotes > 1
    here.page.locator(".cite").first.click()
    first = marked(here)
    here.page.get_by_role("button", name="The next quote").click()
    expect(here.page.locator(".steps span")).to_have_text(f"Quote 2 of {quotes}")
    assert marked(here) != first
    expect(here.page.locator(".cite[aria-current]")).to_have_count(1)
    expect(here.page.locator(".cite").nth(1)).to_have_attribute("aria-current", "true")


def test_a_quote_that_no_longer_stands_there_is_said_to_be_gone(
    site: httpx.Client, visitor: Visitor
) -> None:
    here = visitor(site)
    here.open()
    shown = site.get(f"/v1/documents/{FREEZER.id}", params={"collection": "handbook"}).json()
    shown["chunks"] = [{"text": "Another text.", "gap": "", "span": {"start": 0, "end": 13}}]
    replies(here.page, "**/v1/documents/**", json=shown)
    here.ask(QUESTION)
    here.page.locator(".cite").first.click()
    expect(here.page.locator("#reader .warned")).to_contain_text("changed since")
    expect(here.page.locator("#reader mark")).to_have_count(0)


def test_an_abstention_says_why_and_offers_what_was_found(tmp_path: Path, visitor: Visitor) -> None:
    settings = msgspec.structs.replace(
        settings_over(tmp_path / "store"), answer=AnswerSettings(floor=0.99)
    )
    with serving(settings) as client:
        reason = client.post("/v1/answer", json={"query": "Who won the regatta?"}).json()["reason"]
        here = visitor(client)
        here.open()
        here.ask("Who won the regatta?")
        expect(here.page.locator(".verdict")).to_contain_text("Not answered")
        expect(here.page.locator(".reason")).to_have_text(reason)
        here.page.get_by_role("button", name="Show what was found").click()
        expect(here.page.locator(".result").first).to_be_visible()
        here.check()


def test_the_address_says_what_is_asked_and_going_back_shows_it_again(
    site: httpx.Client, visitor: Visitor
) -> None:
    here = visitor(site)
    page = here.open()
    here.ask(QUESTION)
    first = page.url
    here.ask(PENGUIN)
    here.asked.clear()
    page.go_back()
    expect(page.locator("#question")).to_have_value(QUESTION)
    here.answered()
    expect(page.locator(".answer")).to_contain_text("two days")
    assert not [url for url in here.asked if "/v1/" in url], "nothing is asked twice"
    other = visitor(site)
    other.page.goto(first)
    other.answered()
    expect(other.page.locator("#question")).to_have_value(QUESTION)


WRITTEN = (
    "The sample freezer stays cold for two days without power [1]. It was built by 77 elephants in "
    "1912 [1]."
)


@contextmanager
def writing(folder: Path, step: Step) -> Iterator[tuple[httpx.Client, Canned]]:
    """Serve the documents with a language model that takes this step."""
    with running(Canned(step=step)) as up:
        settings = _with(settings_over(folder / "store"), up.url)
        with serving(settings) as client:
            assert isinstance(up, Canned)
            yield client, up


def _with(settings: Settings, url: str) -> Settings:
    return msgspec.structs.replace(
        settings,
        llm=LLMSettings(url=url, model="Qwen/Qwen2.5-test", replies_mb=0, retries=0),
        answer=AnswerSettings(floor=0.1, generator="inline", passages=1),
    )


def tells(text: str, pause_s: float = 0.0) -> Step:
    """Return the step that writes a text: word by word to who wants it so, at once to others."""
    by_word = stream(*words(text), event("", "stop"), b"data: [DONE]\n\n", pause_s=pause_s)
    at_once = says(text)

    async def step(asked: Asked, write: Write) -> None:
        await (by_word if asked.body.get("stream") else at_once)(asked, write)

    return step


def words(text: str) -> list[bytes]:
    return [event(word) for word in re.findall(r"\S+\s*", text)]


def test_what_verification_drops_is_taken_away_and_told(tmp_path: Path, visitor: Visitor) -> None:
    with writing(tmp_path, tells(WRITTEN)) as (client, _):
        here = visitor(client)
        here.open()
        here.ask(QUESTION)
        expect(here.page.locator(".answer")).to_contain_text("two days")
        expect(here.page.locator(".answer")).not_to_contain_text("elephants")
        expect(here.page.locator(".verdict")).to_contain_text("in part")
        expect(here.page.locator(".reason")).to_contain_text("elephants")
        here.page.get_by_text("Verification changed 1 sentence").click()
        expect(here.page.locator(".dropped del")).to_contain_text("elephants")
        expect(here.page.locator("#status")).to_contain_text("Dropped: It was built by")
        here.check()


@pytest.mark.parametrize("how", ["button", "Escape"])
def test_stopping_ends_the_work_on_the_server(tmp_path: Path, visitor: Visitor, how: str) -> None:
    with writing(tmp_path, tells(f"{WRITTEN} " * 200, 0.02)) as (client, up):
        here = visitor(client)
        page = here.open()
        page.fill("#question", QUESTION)
        page.keyboard.press("Enter")
        expect(page.locator(".sentence").first).to_be_visible()
        assert up.open == 1
        page.keyboard.press("Escape") if how == "Escape" else page.click("#stop")
        expect(page.locator(".verdict")).to_have_text("Stopped: this is not the whole answer")
        expect(page.locator("#submit")).to_be_visible()
        expect(page.locator(".sentence").first).to_be_visible()
        deadline = time.monotonic() + 10
        while up.open:
            assert time.monotonic() < deadline, "the model is still asked"
            time.sleep(0.02)
        assert up.dropped == 1
        here.check()


def test_a_problem_shows_its_remedy_and_keeps_what_was_typed(
    site: httpx.Client, visitor: Visitor
) -> None:
    here = visitor(site)
    page = here.open("#" + "preset=slow&q=freezer")
    detail = site.post("/v1/answer", json={"query": "x", "preset": "slow"}).json()["detail"]
    expect(page.get_by_role("alert").filter(has_text=detail)).to_be_visible()
    expect(page.locator("#question")).to_have_value("freezer")
    page.locator("#options > summary").click()
    page.select_option("#preset", "fast")
    page.click("#submit")
    here.answered()
    expect(page.locator(".problem")).to_have_count(0)


def test_a_busy_server_says_when_to_try_again(site: httpx.Client, visitor: Visitor) -> None:
    here = visitor(site)
    page = here.open()
    told = {
        "status": 429,
        "type": "urn:firstcite:error:Overloaded",
        "title": "Too much",
        "detail": "later",
    }
    headers = {"retry-after": "7", "content-type": "application/problem+json"}
    replies(page, "**/v1/answer", status=429, body=json.dumps(told), headers=headers)
    page.fill("#question", QUESTION)
    page.keyboard.press("Enter")
    expect(page.locator(".problem")).to_contain_text("wait 7 s")
    page.unroute("**/v1/answer")
    page.get_by_role("button", name="Try again").click()
    here.answered()


def test_a_stream_that_breaks_off_is_no_whole_answer(tmp_path: Path, visitor: Visitor) -> None:
    gone = {"status": 503, "type": "t", "title": "The store is gone", "detail": "start it"}
    begun = "".join(
        f"event: {name}\ndata: {json.dumps(data)}\n\n"
        for name, data in (
            ("meta", {"request_id": "r", "route": ""}),
            ("search_results", {"references": []}),
            ("delta", {"text": "It lasts"}),
        )
    )
    failed = f"event: error\ndata: {json.dumps(gone)}\n\n"
    with serving(settings_over(tmp_path / "store")) as client:
        here = visitor(client)
        page = here.open()
        for body, said in ((begun, "broke off"), (begun + failed, "The store is gone")):
            replies(page, "**/v1/answer", body=body, content_type="text/event-stream")
            page.fill("#question", QUESTION)
            page.keyboard.press("Enter")
            expect(page.locator(".problem")).to_contain_text(said)
            expect(page.locator(".verdict")).to_have_text("This is not the whole answer")
        here.check()
