"""Who may ask what, over real HTTP: keys, roles, tenants, principals, and no keys at all."""

from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar import Litestar

from api.app import create_app
from api.callers import Caller
from api.guarding import OPEN, ROLE
from api.keys import Keyring
from rag.errors import Forbidden
from rag.settings import Settings
from tests.api.served import Serve, engine_of, wait_until_ready
from tests.api.test_errors import refused

QUERY = {"query": "sample freezer lab diary"}
OPEN_ROUTES = {"/health", "/ready"}


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.fixture
def ring(filled: Settings) -> Keyring:
    return Keyring(Path(filled.server.keys))


@pytest.fixture
def keyed(filled: Settings, ring: Keyring, serve: Serve) -> httpx.Client:
    """A client of a server that has a key."""
    ring.add("somebody")
    client = serve(create_app(filled, lambda: engine_of(filled)))
    wait_until_ready(client)
    return client


def found(client: httpx.Client, key: str, **body: object) -> set[str]:
    reply = client.post("/v1/search", json={**QUERY, **body}, headers=bearer(key))
    assert reply.status_code == 200, reply.text
    return {result["document_id"] for result in reply.json()["results"]}


def test_without_a_key_only_the_open_routes_answer(keyed: httpx.Client) -> None:
    for route in OPEN_ROUTES:
        assert keyed.get(route).status_code == 200
    for headers in ({}, bearer("fc_00000000_x"), {"authorization": "Basic x"}, {"x-api-key": "é"}):
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        reply = keyed.post("/v1/search", json=QUERY, headers=encoded)
        assert refused(reply, 401)["type"] == "urn:firstcite:error:Unauthenticated"
        assert reply.headers["www-authenticate"] == "Bearer"
    assert keyed.get("/schema/openapi.json").status_code == 401


def test_a_body_is_not_read_for_somebody_without_a_key(keyed: httpx.Client) -> None:
    reply = keyed.post("/v1/search", content=b"{" * 50_000)
    refused(reply, 401)


@pytest.mark.parametrize("header", ["authorization", "x-api-key", "api-key"])
def test_a_key_is_taken_from_every_header_that_clients_use(
    keyed: httpx.Client, ring: Keyring, header: str
) -> None:
    made, _ = ring.add("ada")
    value = f"bearer  {made}" if header == "authorization" else made
    assert keyed.post("/v1/search", json=QUERY, headers={header: value}).status_code == 200


def test_a_revoked_key_is_refused_from_the_next_request_on(
    keyed: httpx.Client, ring: Keyring
) -> None:
    made, key = ring.add("ada")
    assert found(keyed, made)
    ring.revoke(key.id)
    refused(keyed.post("/v1/search", json=QUERY, headers=bearer(made)), 401)


def test_a_key_reaches_its_own_tenant_alone(keyed: httpx.Client, ring: Keyring) -> None:
    mallory, _ = ring.add("m", tenant="mallory")
    anyone, _ = ring.add("gateway", tenant="*")
    assert found(keyed, mallory) == found(keyed, mallory, tenant="mallory") == {"diary.md"}
    assert found(keyed, anyone, tenant="mallory") == {"diary.md"}
    assert "diary.md" not in found(keyed, anyone)
    for route in ("/v1/search", "/v1/answer"):
        asked = {**QUERY, "tenant": "default"}
        reply = keyed.post(route, json=asked, headers=bearer(mallory))
        assert refused(reply, 403)["type"] == "urn:firstcite:error:Forbidden"


def test_a_key_reads_as_its_own_principals_alone(keyed: httpx.Client, ring: Keyring) -> None:
    ada, _ = ring.add("ada", tenant="lab", principals=["ada", "board"])
    nobody, _ = ring.add("public", tenant="lab", principals=())
    trusted, _ = ring.add("app", tenant="lab")
    assert found(keyed, ada) == found(keyed, ada, principals=["ada"]) == found(keyed, trusted)
    assert found(keyed, nobody) == found(keyed, ada, principals=["board"]) == {"lab.md"}
    assert found(keyed, trusted, principals=["eve"]) == {"lab.md"}
    for named in (["eve"], ["ada", "eve"], None):
        reply = keyed.post("/v1/search", json={**QUERY, "principals": named}, headers=bearer(ada))
        refused(reply, 403)


@given(
    st.none() | st.lists(st.sampled_from("abc"), max_size=3).map(tuple),
    st.none() | st.lists(st.sampled_from("abcd"), max_size=3).map(tuple),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nobody_reads_as_more_than_the_key_allows(
    held: tuple[str, ...] | None, named: tuple[str, ...] | None
) -> None:
    caller = Caller("ada", principals=held)
    try:
        given = caller.reading_as(named)
    except Forbidden:
        assert held is not None
        return
    assert held is None or (given is not None and set(given) <= set(held))


def test_a_key_with_principals_changes_nothing(keyed: httpx.Client, ring: Keyring) -> None:
    made, _ = ring.add("ada", "admin", "lab", principals=["ada"])
    reply = keyed.delete("/v1/documents/party.md", headers=bearer(made))
    assert "certain principals" in str(refused(reply, 403)["detail"])


def test_every_route_says_who_may_ask_it(filled: Settings) -> None:
    app: Litestar = create_app(filled, lambda: engine_of(filled))
    for route in app.routes:
        if route.path.startswith("/v1") or route.path in OPEN_ROUTES:
            for handler in route.route_handlers:  # type: ignore[union-attr]
                wanted = OPEN if route.path in OPEN_ROUTES else ROLE
                if handler.fn.__name__ != "options_handler":
                    assert wanted in handler.opt, route.path


def test_without_keys_only_requests_to_this_machine_are_answered(client: httpx.Client) -> None:
    for host in ("127.0.0.1", "localhost:8000", "[::1]:8000", "127.8.8.8"):
        assert client.post("/v1/search", json=QUERY, headers={"host": host}).status_code == 200
    for host in ("evil.example", "evil.example:8000", "127.0.0.1.evil.example", ""):
        reply = client.post("/v1/search", json=QUERY, headers={"host": host})
        assert reply.status_code in {400, 403}
    assert client.get("/health", headers={"host": "evil.example"}).status_code == 200


def test_without_keys_an_open_address_answers_nobody(filled: Settings, serve: Serve) -> None:
    import msgspec

    server = msgspec.structs.replace(filled.server, host="0.0.0.0")  # noqa: S104 - the point
    open_ = msgspec.structs.replace(filled, server=server)
    client = serve(create_app(open_, lambda: engine_of(filled)))
    refused(client.post("/v1/search", json=QUERY), 401)
