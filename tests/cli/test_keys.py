"""`firstcite keys`: made once, listed without its secret, revoked."""

import json
from pathlib import Path

import pytest

from api.keys import Keyring
from tests.cli.outcome import Firstcite


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_key_is_made_listed_and_revoked(firstcite: Firstcite, home: Path) -> None:
    assert "no keys" in firstcite("keys", "list").err
    made = firstcite("keys", "add", "search page", "--tenant", "blue", "--principal", "ada")
    key = made.out.strip()
    assert made.code == 0
    assert "cannot be shown again" in made.err
    ring = Keyring(home / ".firstcite" / "keys.json")
    found = ring.find(key)
    assert found is not None
    assert (found.name, found.role, found.tenant, found.principals) == (
        "search page",
        "read",
        "blue",
        ("ada",),
    )
    listed = firstcite("keys", "list")
    assert found.id in listed.out
    assert key not in listed.out
    assert found.hash not in listed.out
    assert firstcite("keys", "revoke", found.id).code == 0
    assert ring.find(key) is None
    assert "keys list" in firstcite("keys", "revoke", found.id).error


def test_keys_are_told_as_json(firstcite: Firstcite) -> None:
    made = json.loads(firstcite("keys", "add", "n", "--public", "--json").out)
    assert (made["role"], made["principals"]) == ("read", [])
    assert made["key"].startswith(f"fc_{made['id']}_")
    listed = json.loads(firstcite("keys", "list", "--json").out)
    assert listed == {name: value for name, value in made.items() if name != "key"}


@pytest.mark.parametrize(
    "arguments",
    [["add", " "], ["add", "n", "--tenant", ""], ["add", "n", "--public", "--principal", "a"]]
    + [["add", "n", "--role", "write", given] for given in ("--public", "--principal=a")],
)
def test_what_makes_no_key_is_refused(firstcite: Firstcite, arguments: list[str]) -> None:
    outcome = firstcite("keys", *arguments)
    assert outcome.code == 2
    assert "key" in outcome.err
    assert "no keys" in firstcite("keys", "list").err


def test_a_damaged_file_is_named(firstcite: Firstcite, home: Path) -> None:
    file = home / ".firstcite" / "keys.json"
    file.parent.mkdir()
    file.write_text("{")
    assert "keys.json" in firstcite("keys", "list").error


def test_an_address_that_others_reach_wants_keys(firstcite: Firstcite) -> None:
    outcome = firstcite("serve", "--host", "0.0.0.0", "--port", "0")  # noqa: S104 - to be refused
    assert outcome.code == 2
    assert "firstcite keys add" in outcome.error
