"""`firstcite eval …`: offline evaluation."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec

from rag.cli.root import cli
from rag.settings import Settings


@cli.group("eval")
def eval_group() -> None:
    """Measure retrieval and cited answers offline: is it better, and is that more than noise?"""


collections_option = click.option(
    "--collections",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="What {collections} stands for in the file's paths.",
)


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
