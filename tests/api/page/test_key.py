"""Keys on the page: asked for where there are any, kept where that is asked, and never told."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from api.keys import Keyring
from tests.api.page.conftest import Visitor, serving
from tests.api.page.visiting import Visit
from tests.api.served import settings_over

QUESTION = "How long does the sample freezer stay cold without power?"
KEPT = "() => [JSON.stringify({...localStorage}), JSON.stringify({...sessionStorage})]"


@pytest.fixture(scope="module")
def keys() -> dict[str, str]:
    """The keys of the server, by their roles."""
    return {}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, str]) -> Iterator[httpx.Client]:
    """A server with keys."""
    settings = settings_over(tmp_path_factory.mktemp("keys") / "store")
    with serving(settings) as client:
        ring = Keyring(Path(settings.server.keys))
        keys["read"] = ring.add("reader", "read")[0]
        keys["admin"] = ring.add("admin", "admin", "*")[0]
        keys["ada"] = ring.add("ada", "read", "default", ("ada",))[0]
        yield client


def enter(page: Page, key: str, *, keep: bool = False) -> None:
    expect(page.locator("#keys")).to_be_visible()
    expect(page.locator("#key")).to_be_focused()
    page.fill("#key", key)
    page.locator("#key-keep").set_checked(keep)
    page.keyboard.press("Enter")


def never_told(visit: Visit, key: str) -> None:
    assert not [url for url in (*visit.asked, visit.page.url) if key in url]
    assert key not in visit.page.content()
    assert key not in visit.page.evaluate(KEPT)[0]


def test_a_key_is_asked_for_then_used_and_forgotten_with_the_page(
    site: httpx.Client, visitor: Visitor, keys: dict[str, str]
) -> None:
    here = visitor(site)
    here.page.goto(f"{here.origin}/#q=freezer")
    expect(here.page.locator("#key-why")).to_contain_text("the API key is missing")
    enter(here.page, "fc_wrong")
    expect(here.page.locator("#key-why")).to_contain_text("none of this server's")
    enter(here.page, keys["read"])
    here.answered()
    never_told(here, keys["read"])
    assert keys["read"] not in here.page.evaluate(KEPT)[1]
    here.page.reload()
    expect(here.page.locator("#keys")).to_be_visible()


def test_a_key_is_kept_for_the_tab_where_that_is_asked(
    site: httpx.Client, visitor: Visitor, keys: dict[str, str]
) -> None:
    here = visitor(site)
    here.page.goto(here.origin)
    enter(here.page, keys["read"], keep=True)
    expect(here.page.locator("#collection option").first).to_be_attached()
    here.page.reload()
    expect(here.page.locator("#collection option").first).to_be_attached()
    never_told(here, keys["read"])
    assert keys["read"] in here.page.evaluate(KEPT)[1]
    here.page.click("#key-open")
    # Read in the breath of the click: the browser tells of a dialog's closing some time later.
    kept = here.page.evaluate(
        f"() => {{ document.getElementById('key-forget').click(); return ({KEPT})(); }}"
    )
    assert keys["read"] not in "".join(kept)
    expect(here.page.locator("#key-why")).to_contain_text("the API key is missing")


@pytest.mark.parametrize("way", ["button", "escape"])
def test_who_cancels_is_told_what_is_missing(
    way: str, site: httpx.Client, visitor: Visitor
) -> None:
    here = visitor(site)
    here.page.goto(here.origin)
    expect(here.page.locator("#keys")).to_be_visible()
    here.page.click("#key-cancel") if way == "button" else here.page.keyboard.press("Escape")
    expect(here.page.locator(".problem")).to_contain_text("send Authorization: Bearer KEY")
    here.page.get_by_role("button", name="Try again").click()
    expect(here.page.locator("#keys")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "add", "tenant", "principal"),
    [("read", False, False, True), ("admin", True, True, True), ("ada", False, False, False)],
)
def test_only_what_the_key_may_do_is_offered(
    site: httpx.Client,
    visitor: Visitor,
    keys: dict[str, str],
    name: str,
    add: bool,
    tenant: bool,
    principal: bool,
) -> None:
    page = visitor(site).page
    page.goto(str(site.base_url))
    enter(page, keys[name])
    expect(page.locator("#collection option").first).to_be_attached()
    page.locator("#options > summary").click()
    assert page.locator("#add").is_visible() is add
    assert page.locator("#tenant-row").is_visible() is tenant
    assert page.locator("#principal-row").is_visible() is principal


def test_what_a_key_may_do_is_told(site: httpx.Client, keys: dict[str, str]) -> None:
    told = {
        name: site.get("/v1/caller", headers={"authorization": f"Bearer {key}"}).json()
        for name, key in keys.items()
    }
    assert {
        name: (t["role"], t["tenant"], t["principals"], t["writes"]) for name, t in told.items()
    } == {
        "read": ("read", "default", None, False),
        "admin": ("admin", "*", None, True),
        "ada": ("read", "default", ["ada"], False),
    }
    assert told["read"]["choices"] == told["admin"]["choices"]
    assert told["read"]["choices"]["collection"] == "handbook"
