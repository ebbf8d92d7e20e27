"""No reply to a key holds an id, a text, a source or a count of what that key may not read."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.app import create_app
from api.keys import Keyring
from api.page.routes import START, parts
from rag.values import Access, Chunk, Document
from tests.api.served import Served, engine_of, settings_over, wait_until_ready

TENANTS = ("red", "blue")
PEOPLE = ("ada", "bob", "eve")
PATHS = (
    *("/v1/collections", "/v1/collections/handbook", "/v1/collections/live", "/v1/jobs"),
    *("/v1/collections?details=true", "/v1/collections/handbook/details"),
    *("/v1/collections/handbook/count", "/metrics", "/schema/openapi.json"),
    *("/v1/config", "/v1/models", "/v1/caller", "/ready", "/health", "/", "/page/page.js"),
)
STREAMING = {"accept": "application/json, text/event-stream"}
TOOL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
WORDS = ("freezer", "badge", "lantern", "party")


def documents(tenant: str) -> list[Document]:
    """Documents that say whose they are in everything that can be sent: open ones, and secrets."""
    made = []
    for number, word in enumerate(WORDS):
        for names in ((), ("ada",), ("bob", "eve")):
            mark = f"{tenant}x{number}x{''.join(names) or 'open'}x"
            metadata: dict[str, Any] = {"mark": f"{mark}meta", "n": number}
            if names:
                metadata["principals"] = list(names)
            text = f"The {word} of {tenant} is {mark}text. A {word} stays cold for {number} days."
            source = f"/{mark}source"
            made.append(Document(f"{mark}id", text, f"{mark}title", source, metadata, tenant))
    return made


DOCUMENTS = [document for tenant in TENANTS for document in documents(tenant)]
ACCESS = {
    f"{tenant} {'all' if names is None else ' '.join(names) or 'public'}": Access(tenant, names)
    for tenant in TENANTS
    for names in (None, (), ("ada",), ("bob",), ("ada", "eve"))
}


def marks(document: Document) -> str:
    return document.id.removesuffix("id")


def allowed(document: Document, access: Access) -> bool:
    chunk = Chunk("", document.id, "", 0, 0, metadata=document.metadata, tenant=document.tenant)
    return access.allows(chunk)


class World:
    """A server with keys of all kinds."""

    def __init__(self, folder: Path) -> None:
        over = settings_over(folder / "store")
        ring = Keyring(Path(over.server.keys))
        self.keys = {
            name: ring.add(name, "read", access.tenant, access.principals)[0]
            for name, access in ACCESS.items()
        }
        writers = {tenant: ring.add(tenant, "write", tenant)[0] for tenant in TENANTS}
        self.served = Served(create_app(over, lambda: engine_of(over)))
        wait_until_ready(self.served.client)
        self.jobs: dict[str, str] = {}
        for tenant in TENANTS:
            rows = [
                {"id": d.id, "text": d.text, "title": d.title, "source": d.source, **d.metadata}
                for d in DOCUMENTS
                if d.tenant == tenant
            ]
            reply = self.served.client.post(
                "/v1/documents",
                content="\n".join(map(json.dumps, rows)),
                headers={**bearer(writers[tenant]), "content-type": "application/x-ndjson"},
            )
            job = json.loads(reply.text.splitlines()[-1])
            assert (job["state"], job["result"]["new"]) == ("done", len(rows))
            self.jobs[tenant] = job["job_id"]
        self.writers = writers
        admin = bearer(ring.add("admin", "admin", "*")[0])
        live = {"collection": "handbook"}
        reply = self.served.client.put("/v1/aliases/live", json=live, headers=admin)
        assert reply.status_code == 200


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("isolation"))
    yield made
    made.served.stop()


IDS = st.sampled_from([document.id for document in DOCUMENTS])
FILTERS = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "metadata.n": st.integers(0, 3) | st.just({"gte": 0}),
        "metadata.principals": st.sampled_from(PEOPLE),
        "metadata.mark": st.sampled_from([str(d.metadata["mark"]) for d in DOCUMENTS]),
        "document_id": IDS | st.lists(IDS, min_size=1, max_size=4).map(lambda ids: {"in": ids}),
    },
)
QUERIES = st.lists(
    st.sampled_from([*WORDS, *TENANTS, "cold", "days"]) | IDS, min_size=1, max_size=4
).map(" ".join)
NAMED = st.fixed_dictionaries(
    {},
    optional={
        "tenant": st.sampled_from([*TENANTS, "default", "*"]),
        "principals": st.none() | st.lists(st.sampled_from(PEOPLE), max_size=2),
    },
)


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, dict[str, Any]]:
    """Return a method, a path, and the body or the parameters of a request."""
    kind = draw(st.sampled_from(["search", "answer", "stream", "chat", "document", "list"]))
    named = draw(NAMED)
    if kind == "document":
        given: dict[str, Any] = {"limit": draw(st.integers(1, 5))}
        if "tenant" in named:
            given["tenant"] = named["tenant"]
        if named.get("principals"):
            given["principal"] = named["principals"]
        return "GET", f"/v1/documents/{draw(IDS)}", given
    if kind == "list":
        path = draw(st.sampled_from(PATHS))
        return "GET", path, {}
    query, where = draw(QUERIES), draw(FILTERS)
    body: dict[str, Any] = {**named, "k": draw(st.integers(1, 50)), "filter": where}
    if kind == "chat":
        body |= {"messages": [{"role": "user", "content": query}], "stream": draw(st.booleans())}
        return "POST", "/v1/chat/completions", body
    body["query"] = query
    if kind == "search":
        body["explain"] = draw(st.booleans())
        body["branches"] = draw(st.sampled_from([(), ("bm25",), ("dense",)]))
        body["expand"] = draw(st.sampled_from([(), ("rm3",), ("rocchio", "dense-rocchio")]))
        return "POST", "/v1/search", body
    if kind == "stream":
        body["stream"] = True
    return "POST", "/v1/answer", body


@st.composite
def tools(draw: st.DrawFn) -> tuple[str, str, dict[str, Any]]:
    """Return the same of a call of a tool."""
    named, tool = draw(NAMED), draw(st.sampled_from(["search", "answer", "get_document"]))
    given: dict[str, Any] = {"tenant": named["tenant"]} if "tenant" in named else {}
    if tool == "get_document":
        given["document_id"] = draw(IDS)
    else:
        given |= {"query": draw(QUERIES), "filter": draw(FILTERS), "k": draw(st.integers(1, 50))}
    return "POST", "/mcp", {**TOOL, "params": {"name": tool, "arguments": given}}


@given(st.sampled_from(list(ACCESS)), st.lists(requests() | tools(), min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_nothing_of_others_is_in_any_reply(
    world: World, name: str, asked: Sequence[tuple[str, str, dict[str, Any]]]
) -> None:
    access = ACCESS[name]
    secret = [marks(d) for d in DOCUMENTS if not allowed(d, access)]
    for method, path, body in asked:
        sent = {"params": body} if method == "GET" else {"json": body}
        reply = world.served.client.request(
            method,
            path,
            headers={**bearer(world.keys[name]), **(STREAMING if path == "/mcp" else {})},
            **sent,  # type: ignore[arg-type]
        )
        assert reply.status_code in {200, 400, 403, 404}, reply.text
        if path == "/mcp":
            assert '"content"' in reply.text, reply.text
        told = reply.text + str(dict(reply.headers))
        for word in _echoed(path, body):  # what was asked may be said again
            told = told.replace(word, "")
        found = [mark for mark in secret if mark in told]
        assert not found, (method, path, body, told)


def _echoed(path: str, given: dict[str, Any]) -> list[str]:
    arguments = given.get("params", {}).get("arguments", {})
    said = [path.rpartition("/")[2], str({**given, **arguments}.get("query", ""))]
    said += [str(arguments.get("document_id", "")), json.dumps(arguments.get("filter", ""))]
    said += [turn["content"] for turn in given.get("messages", ())]
    return sorted(filter(None, [*said, *" ".join(said).split()]), key=len, reverse=True)


@pytest.mark.parametrize("name", list(ACCESS))
def test_what_may_be_read_is_found(world: World, name: str) -> None:
    access = ACCESS[name]
    reply = world.served.client.post(
        "/v1/search", json={"query": " ".join(WORDS), "k": 50}, headers=bearer(world.keys[name])
    )
    found = {result["document_id"] for result in reply.json()["results"]}
    assert found == {d.id for d in DOCUMENTS if allowed(d, access)}


def test_writers_neither_see_nor_change_what_is_others(world: World) -> None:
    client = world.served.client
    for tenant, other in (TENANTS, TENANTS[::-1]):
        mine = bearer(world.writers[tenant])
        theirs = next(d for d in DOCUMENTS if d.tenant == other)
        told: list[httpx.Response] = [
            client.get(f"/v1/jobs/{world.jobs[other]}", headers=mine),
            client.get(f"/v1/jobs/{world.jobs[other]}/lines", headers=mine),
            client.delete(f"/v1/jobs/{world.jobs[other]}", headers=mine),
            client.delete(f"/v1/documents/{theirs.id}", headers=mine),
        ]
        assert [reply.status_code for reply in told] == [404] * 4
        jobs = client.get("/v1/jobs", headers=mine).json()["jobs"]
        assert [job["tenant"] for job in jobs] == [tenant]
        given = {"filter": json.dumps({"document_id": theirs.id})}
        assert client.delete("/v1/documents", params=given, headers=mine).json() == {"deleted": 0}
        readable = f"/v1/documents/{theirs.id}"
        assert client.get(readable, headers=bearer(world.writers[other])).status_code == 200


def test_the_page_is_the_same_for_everybody(world: World) -> None:
    for path in ("/", *(f"/page/{name}" for name in parts() if name != START)):
        told = [world.served.client.get(path, headers=bearer(key)) for key in world.keys.values()]
        told.append(world.served.client.get(path))
        assert len({reply.content for reply in told}) == 1
        assert {reply.status_code for reply in told} == {200}


def test_a_key_is_told_of_itself_alone(world: World) -> None:
    for name, access in ACCESS.items():
        told = world.served.client.get("/v1/caller", headers=bearer(world.keys[name])).json()
        named = None if access.principals is None else list(access.principals)
        assert (told["tenant"], told["principals"]) == (access.tenant, named)
