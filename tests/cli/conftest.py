"""Running commands: inside this process, or as a user does."""

import subprocess
import sys
from pathlib import Path

import pytest

from rag.__main__ import main
from tests.cli.outcome import Firstcite, Outcome

CONSOLE_SCRIPT = Path(sys.executable).with_name("firstcite")


@pytest.fixture
def firstcite(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Firstcite:
    """Run `firstcite` inside this process; anything but an exit is a failure of the test."""

    def run(*arguments: str) -> Outcome:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["firstcite", *arguments])
        code: object = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        captured = capsys.readouterr()
        assert isinstance(code, int)
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def script() -> Path:
    """The console script, or a skip where the package is not installed."""
    if not CONSOLE_SCRIPT.is_file():
        pytest.skip("firstcite is not installed: make setup")
    return CONSOLE_SCRIPT


@pytest.fixture(scope="session")
def version(script: Path) -> str:
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    return done.stdout
