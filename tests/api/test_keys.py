"""Keys are kept as hashes; what was made is found, and nothing else, until it is revoked."""

import json
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.keys import Keyring
from rag.errors import BadSettings, NotFound, Unavailable


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "new" / "keys.json"


def test_a_key_is_found_by_every_keyring_of_the_file_until_it_is_revoked(file: Path) -> None:
    ours, theirs = Keyring(file), Keyring(file)
    assert not ours.required
    made, key = ours.add("search page", "write", "blue", ["ada"])
    assert theirs.required
    assert theirs.find(made) == key
    who = key.caller
    assert (who.name, who.role, who.tenant, who.principals) == (
        "search page",
        "write",
        "blue",
        ("ada",),
    )
    other, _ = ours.add("other")
    assert theirs.revoke(key.id) == key
    assert ours.find(made) is None
    assert ours.find(other) is not None
    with pytest.raises(NotFound, match=r"keys list"):
        ours.revoke(key.id)


def test_the_file_holds_no_key_and_is_its_owners_alone(file: Path) -> None:
    made, key = Keyring(file).add("n")
    text = file.read_text()
    assert made not in text
    assert made.split("_", 2)[2] not in text
    assert key.hash in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@given(st.text(max_size=300), st.integers(0, 60), st.characters(codec="utf-8"))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_nothing_else_is_a_key(file: Path, text: str, at: int, letter: str) -> None:
    ring = Keyring(file)
    made = ring.add("n")[0] if not ring.required else ""
    for tried in (text, f"fc_{text}", "fc__", "fc_" + "x" * 5_000, made[:-1], f"{made}x"):
        assert ring.find(tried) is None
    if made:
        changed = made[:at] + letter + made[at + 1 :]
        assert changed == made or ring.find(changed) is None


def test_keys_made_at_the_same_time_are_all_kept(file: Path) -> None:
    threads = [threading.Thread(target=Keyring(file).add, args=(f"n{i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {key.name for key in Keyring(file).keys} == {f"n{i}" for i in range(8)}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1, "keys": [{}]}', "\xff"])
def test_a_damaged_file_lets_nobody_in(file: Path, text: str) -> None:
    ring = Keyring(file)
    made, _ = ring.add("n")
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(BadSettings, match=r"keys\.json"):
        Keyring(file)
    with pytest.raises(Unavailable):
        ring.find(made)
    with pytest.raises(BadSettings):
        ring.add("another")


def test_a_file_that_vanishes_opens_nothing(file: Path) -> None:
    ring = Keyring(file)
    ring.add("n")
    file.unlink()
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"is gone"):
            _ = ring.required


def test_a_file_of_a_later_version_is_refused(file: Path) -> None:
    Keyring(file).add("n")
    later = {**json.loads(file.read_text()), "version": 2}
    file.write_text(json.dumps(later))
    with pytest.raises(BadSettings, match=r"version 2"):
        Keyring(file)
