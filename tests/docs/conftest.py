"""All commands are there to be parsed."""

import importlib

import pytest

from rag.__main__ import COMMANDS


@pytest.fixture(autouse=True)
def _commands() -> None:
    for name in COMMANDS:
        importlib.import_module(f"rag.cli.{name}")
