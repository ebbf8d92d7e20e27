"""Searches on the page: why a result is where it is, filters, collections, and how it is asked."""

import json

import httpx
import pytest
from playwright.sync_api import Page, Request, expect

from tests.api.page.conftest import Visitor
from tests.api.page.documents import FREEZER, WIDE

QUERY = "sample freezer power"


def look(page: Page, query: str = QUERY) -> None:
    """Search, and wait for the results."""
    page.check("#mode-search", force=True)
    page.fill("#question", query)
    page.keyboard.press("Enter")
    expect(page.locator(".result").first).to_be_visible()


def sent_by(request: Request) -> dict[str, object]:
    body: dict[str, object] = json.loads(request.post_data or "")
    return body


def titles(page: Page) -> list[str]:
    return page.locator(".result h2 button").all_text_contents()


def test_the_explanation_is_the_apis_own(site: httpx.Client, visitor: Visitor) -> None:
    page = visitor(site).open("#expand=rm3")
    look(page)
    asked = {"query": QUERY, "collection": "handbook", "explain": True, "expand": ["rm3"]}
    reply = site.post("/v1/search", json=asked).json()
    told = reply["explanation"]
    assert titles(page) == [result["title"] for result in reply["results"]]
    for at, (result, why) in enumerate(zip(reply["results"], told["results"], strict=True)):
        item = page.locator(".result").nth(at)
        item.get_by_text("Why this result").click()
        rows = [
            [cell.strip() for cell in row.locator("th, td").all_text_contents()]
            for row in item.locator(".why tbody tr").all()
        ]
        expected = []
        for branch in told["branches"]:
            place = why["branches"].get(branch["name"])
            shown = [f"{place['rank']}", f"{place['score']:.4f}"] if place else ["not found", ""]
            expected.append([branch["name"], shown[0], f"of {branch['found']}", shown[1]])
        fused = why["fused"]
        expected.append(
            [f"fused by {told['fusion']}", f"{fused['rank']}", "", f"{fused['score']:.4f}"]
        )
        assert rows == expected
        expect(item.locator(".score")).to_have_text(f"score {result['score']:.3f}")
    page.get_by_text("What was looked for").click()
    looked = page.get_by_role("region", name="What was looked for").locator("tbody tr")
    for row, branch in zip(looked.all(), told["branches"], strict=True):
        assert row.locator("td").last.text_content() == branch["text"]


def test_reranked_results_tell_where_they_were_before(site: httpx.Client, visitor: Visitor) -> None:
    asked = {"query": QUERY, "collection": "handbook", "explain": True}
    reply = site.post("/v1/search", json=asked).json()
    reply["results"][0] |= {"flags": ["orders to the reader"], "valid_to": "2025-01-01"}
    reply["results"][0]["ranks"] |= {"first": 3, "rerank": 2}
    page = visitor(site).open()
    page.route("**/v1/search", lambda route: route.fulfill(json=reply))
    look(page)
    first = page.locator(".result").first
    first.get_by_text("Why this result").click()
    expect(first.locator("tr", has_text="before reranking").locator("td").first).to_have_text("3")
    expect(first.locator("tr", has_text="the reranker alone").locator("td").first).to_have_text("2")
    expect(first.locator(".warned")).to_have_text(
        "flagged: orders to the reader · superseded since 2025-01-01"
    )


def test_a_result_is_shown_in_its_document(site: httpx.Client, visitor: Visitor) -> None:
    page = visitor(site).open()
    look(page, "penguin sings")
    page.get_by_role("button", name=WIDE.title).click()
    expect(page.locator("#reader mark").first).to_be_visible()
    marks = page.locator("#reader mark").evaluate_all("all => all.map(m => m.textContent)")
    assert "".join(marks) == WIDE.text


@pytest.mark.parametrize(
    ("field", "operator", "value", "sent"),
    [
        ("metadata.kind", "eq", "manual", {"metadata.kind": "manual"}),
        ("metadata.year", "gte", "2024", {"metadata.year": {"gte": 2024}}),
        ("metadata.year", "in", "2020, 2021", {"metadata.year": {"in": [2020, 2021]}}),
        ("title", "eq", '"2020"', {"title": "2020"}),
    ],
)
def test_a_filter_is_what_its_row_says(
    site: httpx.Client,
    visitor: Visitor,
    field: str,
    operator: str,
    value: str,
    sent: dict[str, object],
) -> None:
    page = visitor(site).open()
    page.locator("#filters > summary").click()
    page.get_by_role("button", name="Add a filter").click()
    page.get_by_label("Field 1").fill(field)
    page.get_by_label("Condition 1").select_option(operator)
    page.get_by_label("Value 1").fill(value)
    expect(page.locator("#filter-count")).to_have_text("1")
    page.check("#mode-search", force=True)
    page.fill("#question", "the freezer penguin")
    with page.expect_request("**/v1/search") as made:
        page.keyboard.press("Enter")
    assert sent_by(made.value)["filter"] == sent
    asked = {"query": "the freezer penguin", "collection": "handbook", "filter": sent}
    found = [result["title"] for result in site.post("/v1/search", json=asked).json()["results"]]
    expect(page.locator(".result")).to_have_count(len(found))
    assert titles(page) == found
    again = visitor(site).open("#" + page.url.partition("#")[2])
    again.locator("#filters > summary").click()
    expect(again.get_by_label("Value 1")).to_have_value(value)


def test_json_and_rows_are_two_views_of_one_filter(site: httpx.Client, visitor: Visitor) -> None:
    page = visitor(site).open()
    page.locator("#filters > summary").click()
    page.locator("#filter-raw > summary").click()
    whole = {"metadata.year": {"gte": 2020, "lt": 2024}, "document_id": {"in": ["a", "b"]}}
    page.fill("#filter-json", json.dumps(whole))
    expect(page.locator("#filter-rows li")).to_have_count(3)
    page.get_by_label("Value 2").fill("2030")
    assert json.loads(page.input_value("#filter-json")) == {
        **whole,
        "metadata.year": {"gte": 2020, "lt": 2030},
    }
    page.get_by_role("button", name="Remove filter 1").click()
    page.fill("#filter-json", '{"metadata')
    expect(page.locator("#filter-error")).to_contain_text("no JSON")
    expect(page.locator("#filter-json")).to_have_attribute("aria-invalid", "true")
    page.fill("#question", "freezer")
    page.click("#submit")
    expect(page.locator(".problem")).to_contain_text("The filter cannot be read")


def test_what_the_server_says_of_a_filter_is_shown(site: httpx.Client, visitor: Visitor) -> None:
    page = visitor(site).open()
    page.locator("#filters > summary").click()
    page.get_by_role("button", name="Add a filter").click()
    page.get_by_label("Field 1").fill("year")
    page.get_by_label("Value 1").fill("2020")
    page.fill("#question", "freezer")
    page.click("#submit")
    refusal = site.post("/v1/search", json={"query": "x", "filter": {"year": 2020}}).json()
    expect(page.locator(".problem")).to_contain_text(refusal["detail"])


def test_another_collection_is_searched(site: httpx.Client, visitor: Visitor) -> None:
    page = visitor(site).open()
    options = page.locator("#collection option").all_text_contents()
    assert options == ["handbook", "other"]
    look(page, "penguin freezer")
    assert len(titles(page)) == 3
    page.select_option("#collection", "other")
    expect(page.locator(".result")).to_have_count(1)
    assert titles(page) == [FREEZER.title]
    assert "collection=other" in page.url


def test_options_are_sent_and_only_what_the_server_knows_is_offered(
    site: httpx.Client, visitor: Visitor
) -> None:
    page = visitor(site).open()
    choices = site.get("/v1/caller").json()["choices"]
    page.locator("#options > summary").click()
    offered = page.locator("#generator option").evaluate_all("all => all.map(o => o.value)")
    assert offered == ["", *choices["generators"]]
    names = page.locator("#expansions input").evaluate_all("all => all.map(o => o.value)")
    assert names == [expansion["name"] for expansion in choices["expansions"]]
    page.fill("#k", "1")
    page.select_option("#preset", "fast")
    page.get_by_text("Expansions", exact=True).click()
    page.check("input[value=rocchio]")
    page.select_option("#superseded", "hide")
    expect(page.locator("#option-count")).to_have_text("4")
    page.check("#mode-search", force=True)
    page.fill("#question", "freezer")
    with page.expect_request("**/v1/search") as made:
        page.click("#submit")
    expected = {"k": 1, "preset": "fast", "expand": ["rocchio"], "superseded": "hide"}
    assert sent_by(made.value).items() >= expected.items()
    expect(page.locator(".result")).to_have_count(1)
