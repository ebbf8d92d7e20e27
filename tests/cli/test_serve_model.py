"""`firstcite models serve` as a user runs it."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from rag.errors import ModelUnavailable
from rag.llms import embedded
from rag.settings import load_settings, models_folder
from tests.cli.outcome import Firstcite


@pytest.fixture
def environment() -> Mapping[str, str]:
    """An environment with the converted embedded model, or a skip that names what is missing."""
    folder = models_folder(load_settings())
    try:
        embedded.packaged()
        embedded.converted(folder)
    except ModelUnavailable as missing:
        pytest.skip(str(missing))
    return {**os.environ, "FIRSTCITE__LLM__CACHE": str(folder.parent)}


@pytest.fixture
def running(script: Path, environment: Mapping[str, str]) -> Iterator["subprocess.Popen[str]"]:
    started = subprocess.Popen(
        [script, "models", "serve", "--port", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield started
    started.kill()
    started.communicate(timeout=60)


@pytest.mark.model
def test_a_model_is_served_at_the_printed_address_until_it_is_asked_to_end(
    running: "subprocess.Popen[str]",
) -> None:
    assert running.stdout is not None
    assert running.stdout.readline().startswith(f"{embedded.NAME} (8,192 tokens) answers at http")
    said, url = running.stdout.readline().split("=")
    assert said == "use it: FIRSTCITE__LLM__URL"
    with httpx.Client(base_url=url.strip(), timeout=60) as client:
        assert client.get("/v1/models").json()["data"][0]["id"] == embedded.NAME
        body = {
            "messages": [{"role": "user", "content": "What is the capital of France?"}],
            "max_tokens": 12,
            "temperature": 0,
        }
        reply = client.post("/v1/chat/completions", json=body).json()
        assert "Paris" in reply["choices"][0]["message"]["content"]
    running.send_signal(signal.SIGTERM)
    assert running.wait(180) == 0
    assert running.stderr is not None
    assert "Traceback" not in running.stderr.read()


@pytest.mark.model
def test_being_asked_to_end_while_the_model_loads_is_no_failure(
    running: "subprocess.Popen[str]",
) -> None:
    assert running.stderr is not None
    assert running.stderr.readline() == "loading the model …\n"
    running.send_signal(signal.SIGTERM)
    assert running.wait(180) == 0
    assert "Traceback" not in running.stderr.read()


def test_an_address_that_is_taken_is_said_before_anything_is_loaded(firstcite: Firstcite) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        outcome = firstcite("models", "serve", "--port", port)
    assert outcome.code == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in outcome.err
    assert "loading" not in outcome.err
    assert "Traceback" not in outcome.err


def test_an_open_address_is_warned_of(
    firstcite: Firstcite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTCITE__LLM__CACHE", str(tmp_path / "file" / "below"))
    (tmp_path / "file").write_text("in the way")
    outcome = firstcite("models", "serve", "--host", "0.0.0.0", "--port", "0")  # noqa: S104 - to see it
    assert outcome.code == 1
    assert outcome.err.startswith("warning: 0.0.0.0 is not loopback and there is no authentication")
    assert "Traceback" not in outcome.err
