"""Collections over HTTP: listed to who finds something in them, made, rebuilt, dropped."""

import json
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from api.keys import Keyring
from rag.settings import Settings
from tests.api.served import DOCUMENTS, Serve, engine_of, wait_until_ready
from tests.api.test_errors import refused

QUERY = {"query": "freezer"}


@pytest.fixture
def served(filled: Settings, serve: Serve) -> httpx.Client:
    client = serve(create_app(filled, lambda: engine_of(filled)))
    wait_until_ready(client)
    return client


def names(client: httpx.Client, key: str = "") -> list[str]:
    headers = {"authorization": f"Bearer {key}"} if key else None
    told = client.get("/v1/collections", headers=headers).json()["collections"]
    return [one["name"] for one in told]


def test_a_collection_is_made_told_and_dropped(served: httpx.Client) -> None:
    assert names(served) == ["handbook"]
    made = served.post("/v1/collections", json={"name": "empty"})
    assert (made.status_code, made.json()["chunks"]) == (201, 0)
    assert names(served) == ["empty", "handbook"]
    refused(served.post("/v1/collections", json={"name": "empty"}), 409)
    refused(served.post("/v1/collections", json={"name": "a@b"}), 400)
    about = served.get("/v1/collections/handbook").json()
    assert about == {
        "name": "handbook",
        "encoder": "hashed",
        "dimension": 64,
        "splitter": "none",
        "settled": True,
        "chunks": len(DOCUMENTS),
    }
    going = served.delete("/v1/collections/handbook?dry_run=true")
    assert going.json() == {"collections": ["handbook@1"]}
    assert served.delete("/v1/collections/handbook").json() == going.json()
    assert names(served) == ["empty"]
    refused(served.post("/v1/search", json=QUERY), 404)
    refused(served.delete("/v1/collections/handbook"), 404)
    refused(served.get("/v1/collections/handbook"), 404)


def test_a_collection_is_rebuilt_while_it_is_searched(served: httpx.Client) -> None:
    before = served.post("/v1/search", json=QUERY).json()["results"]
    reply = served.post("/v1/collections/handbook/reindex")
    assert reply.status_code == 202
    where = reply.headers["location"]
    assert served.get(f"{where}/lines").text == ""  # until it is over
    job = served.get(where).json()
    assert (job["state"], job["kind"], job["error"]) == ("done", "reindex", None)
    assert served.post("/v1/search", json=QUERY).json()["results"] == before
    refused(served.post("/v1/collections/nowhere/reindex"), 404)


def test_a_name_is_switched_from_one_collection_to_another(served: httpx.Client) -> None:
    asked = {**QUERY, "collection": "live"}
    served.post("/v1/collections", json={"name": "next"})
    assert served.put("/v1/aliases/live", json={"collection": "next"}).json() == {
        "name": "live",
        "physical": "next@1",
    }
    assert served.post("/v1/search", json=asked).json()["results"] == []
    assert served.put("/v1/aliases/live", json={"collection": "handbook"}).status_code == 200
    found = served.post("/v1/search", json=asked).json()["results"]
    assert found == served.post("/v1/search", json=QUERY).json()["results"] != []
    assert names(served) == ["handbook", "live", "next"]

    served.post("/v1/documents?collection=live", json=[{"id": "new", "text": "a freezer thaws"}])
    assert served.post("/v1/search", json=QUERY).json()["results"] != found  # it is one collection
    reply = served.post("/v1/collections/live/reindex")
    served.get(f"{reply.headers['location']}/lines")
    for name in ("live", "handbook"):
        told = served.get(f"/v1/collections/{name}").json()
        assert told["chunks"] == len(DOCUMENTS) + 1

    gone = served.delete("/v1/collections/handbook").json()
    assert gone == {"collections": ["handbook@1"]}  # and a name: what it stood for stays
    assert served.post("/v1/search", json=asked).json()["results"]
    refused(served.delete("/v1/aliases/live"), 409)  # now it is the only one
    refused(served.put("/v1/aliases/live", json={"collection": "next"}), 409)
    refused(served.put("/v1/aliases/live", json={"collection": "nowhere"}), 404)
    refused(served.put("/v1/aliases/a@b", json={"collection": "live"}), 400)
    assert served.put("/v1/aliases/other", json={"collection": "live"}).status_code == 200
    assert served.delete("/v1/aliases/other").status_code == 204
    refused(served.delete("/v1/aliases/other"), 404)
    refused(served.post("/v1/search", json={**QUERY, "collection": "other"}), 404)


def test_who_finds_nothing_in_a_collection_does_not_see_it(filled: Settings, serve: Serve) -> None:
    ring = Keyring(Path(filled.server.keys))
    lab, _ = ring.add("lab", "admin", "lab")
    other, _ = ring.add("other", "admin", "other")
    client = serve(create_app(filled, lambda: engine_of(filled)))
    wait_until_ready(client)

    def as_(key: str) -> dict[str, str]:
        return {"authorization": f"Bearer {key}"}

    assert (names(client, lab), names(client, other)) == (["handbook"], [])
    assert "chunks" not in client.get("/v1/collections/handbook", headers=as_(lab)).json()
    absent = refused(client.get("/v1/collections/handbook", headers=as_(other)), 404)
    nowhere = refused(client.get("/v1/collections/nowhere", headers=as_(other)), 404)
    assert json.dumps(absent).replace("handbook", "nowhere") == json.dumps(nowhere)
    for method, path in (
        ("DELETE", "/v1/collections/handbook"),
        ("POST", "/v1/collections/handbook/reindex"),
    ):
        refused(client.request(method, path, headers=as_(lab)), 403)
    refused(client.post("/v1/collections", json={"name": "x"}, headers=as_(lab)), 403)


def test_details_are_for_who_reaches_everybody_and_counts_for_who_may_write(
    filled: Settings, serve: Serve
) -> None:
    keyring = Keyring(Path(filled.server.keys))
    made = {
        "admin": keyring.add("admin", "admin", tenant="*")[0],
        "lab": keyring.add("lab", "write", tenant="lab")[0],
        "reader": keyring.add("reader", tenant="lab")[0],
    }
    client = serve(create_app(filled, lambda: engine_of(filled)))
    wait_until_ready(client)

    def get(route: str, who: str) -> httpx.Response:
        return client.get(route, headers={"authorization": f"Bearer {made[who]}"})

    for route in ("/v1/collections?details=true", "/v1/collections/handbook/details"):
        refused(get(route, "lab"), 403)
        assert get(route, "admin").status_code == 200
    count = "/v1/collections/handbook/count"
    assert get(count, "admin").json() == {"chunks": 5, "documents": 5}
    assert get(f"{count}?tenant=lab", "admin").json() == {"chunks": 2, "documents": 2}
    assert get(count, "lab").json() == {"chunks": 2, "documents": 2}
    assert get(f'{count}?filter={{"title": "Lab"}}', "lab").json() == {"chunks": 1, "documents": 1}
    refused(get(f"{count}?tenant=default", "lab"), 403)
    refused(get(f"{count}?filter=x", "lab"), 400)
    refused(get(count, "reader"), 403)
    refused(get("/v1/collections/nope/details", "admin"), 404)
