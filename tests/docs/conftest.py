"""All commands are there to be parsed."""

import importlib

from rag.__main__ import COMMANDS

for name in COMMANDS:
    importlib.import_module(f"rag.cli.{name}")
