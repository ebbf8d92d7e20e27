"""The page's files: what browsers are told of them, and that they lead nowhere else."""

import re
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from api.keys import Keyring
from api.page.routes import MEDIA_TYPES, POLICY, parts
from rag.settings import Settings
from tests.api.served import Serve, engine_of

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "api" / "page"
PATHS = {"/": "index.html"} | {
    f"/page/{file.name}": file.name
    for file in sorted(FOLDER.iterdir())
    if file.suffix in MEDIA_TYPES and file.name != "index.html"
}


@pytest.mark.parametrize("path", PATHS)
def test_a_part_is_served_as_it_is_with_its_type_and_a_strict_policy(
    client: httpx.Client, path: str
) -> None:
    reply = client.get(path)
    file = FOLDER / PATHS[path]
    assert (reply.status_code, reply.content) == (200, file.read_bytes())
    kind, _, charset = reply.headers["content-type"].partition("; charset=")
    assert kind == MEDIA_TYPES[file.suffix]
    assert charset == ("utf-8" if kind.startswith("text/") else "")
    assert reply.headers["content-security-policy"] == POLICY
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", PATHS)
def test_what_a_browser_has_is_not_sent_again(client: httpx.Client, path: str) -> None:
    etag = client.get(path).headers["etag"]
    for known in (etag, f"W/{etag}", f'"x", {etag}'):
        again = client.get(path, headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["content-security-policy"] == POLICY
    assert client.get(path, headers={"if-none-match": '"other"'}).status_code == 200


def test_the_policy_allows_nothing_inline_and_nobody_else() -> None:
    assert "unsafe" not in POLICY
    assert "http" not in POLICY
    assert "default-src 'none'" in POLICY


@pytest.mark.parametrize("name", ["nowhere.js", "index.html", "..%2froutes.py", "routes.py"])
def test_nothing_but_parts_is_served(client: httpx.Client, name: str) -> None:
    reply = client.get(f"/page/{name}")
    assert reply.status_code == 404
    assert reply.headers["content-type"].startswith("application/problem+json")


def test_the_page_needs_no_key_and_what_it_shows_does(serve: Serve, filled: Settings) -> None:
    Keyring(Path(filled.server.keys)).add("ada", "read")
    client = serve(create_app(filled, lambda: engine_of(filled)))
    assert {client.get(path).status_code for path in PATHS} == {200}
    assert client.get("/v1/caller").status_code == 401


def test_every_import_and_every_id_is_there() -> None:
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    ids = set(re.findall(r'\bid="([^"]+)"', page))
    assert set(re.findall(r'(?:href|src)="page/([^"]+)"', page)) <= set(parts())
    for module in FOLDER.glob("*.js"):
        text = module.read_text(encoding="utf-8")
        assert {name[2:] for name in re.findall(r'from "([^"]+)"', text)} <= set(parts())
        assert set(re.findall(r'byId\("([^"]+)"\)', text)) <= ids, module.name


@pytest.mark.parametrize("name", sorted(PATHS.values()))
def test_no_part_makes_markup_of_texts_or_leads_elsewhere(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
        "Function(",
    ):
        assert word not in text
    assert not re.findall(r"https?://(?!\$)[\w.]+", text)
    assert len(text.splitlines()) <= (1_100 if name.endswith(".css") else 400)
