"""`firstcite`: settings, exit codes, and what happens to an error.

Exit codes: 0 done; 1 an error; 2 wrong usage or bad input; 3 done, but input was skipped or
queries degraded; 130 interrupted.
"""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click
from msgspec.structs import replace

from rag.cli.remote.where import check_place
from rag.settings import Settings, load_settings

T = TypeVar("T")
SKIPPED = 3


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="firstcite", prog_name="firstcite")
@click.option(
    "--settings",
    "file",
    type=click.Path(path_type=Path),
    help="Settings file; by default firstcite.toml in the working folder.",
)
@click.option(
    "--server",
    metavar="URL",
    help="Ask this server instead of working here; by default client.url of the settings.",
)
@click.pass_context
def cli(context: click.Context, file: Path | None, server: str | None) -> None:
    """Search your documents, answer with citations, and measure both."""

    def load() -> Settings:
        settings = load_settings(file)
        if server is None:
            return settings
        return replace(settings, client=replace(settings.client, url=server))

    context.obj = load


def current_settings() -> Settings:
    """Return the settings in effect for the running command.

    Raises:
        BadInput: they name a server, and the command cannot be done there.
    """
    context = click.get_current_context()
    load: Callable[[], Settings] = context.obj
    settings = load()
    check_place(settings, command_of(context))
    return settings


def command_of(context: click.Context) -> str:
    """Return the words of the running command, such as "collections list"."""
    words: list[str] = []
    while context.parent is not None:
        words.insert(0, context.info_name or "")
        context = context.parent
    return " ".join(words)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's asynchronous part to its end."""
    return asyncio.run(work)


collection_option = click.option(
    "--collection",
    "-c",
    default=None,
    help="Collection; by default server.collection of the settings.",
)
tenant_option = click.option(
    "--tenant", default="default", show_default=True, help="Whose documents."
)
principal_option = click.option(
    "--principal",
    "principals",
    multiple=True,
    metavar="NAME",
    help="Who asks; may be given several times. By default a trusted caller, who sees everything.",
)
filter_option = click.option(
    "--filter",
    "filters",
    default=None,
    metavar="JSON",
    help='Conditions, e.g. \'{"metadata.year": {"gte": 2020}}\'.',
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, not text.")
