"""`firstcite eval …`: offline evaluation."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from rag.cli.root import cli
from rag.settings import Settings


@cli.group("eval")
def eval_group() -> None:
    """Measure retrieval and cited answers offline, on a folder with queries."""


@contextmanager
def scratch(settings: Settings, splitter: str, *, keep: bool = False) -> Iterator[Settings]:
    """Give the settings with a splitter and, unless it is kept, a store in a temporary folder."""
    index = msgspec.structs.replace(settings.index, splitter=splitter)
    settings = msgspec.structs.replace(settings, index=index)
    if keep:
        yield settings
        return
    with tempfile.TemporaryDirectory(prefix="firstcite-eval-") as folder:
        store = msgspec.structs.replace(settings.store, path=folder)
        yield msgspec.structs.replace(settings, store=store)
