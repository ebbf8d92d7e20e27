"""`firstcite route`: a router learnt from one's own outcomes."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import click
from msgspec.structs import replace

from rag.cli.root import cli, current_settings, run
from rag.settings import Settings


@cli.group("route")
def route_group() -> None:
    """Which questions need no search, one, or several."""


@route_group.command("train")
@click.argument("outcomes", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--kind",
    type=click.Choice(["classifier", "neighbours"]),
    default="classifier",
    show_default=True,
    help="A model of how questions are worded, or a log of those that are asked for their likes.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("route.toml"),
    show_default=True,
    help="Where the router goes, a text file.",
)
def train_command(outcomes: Path, kind: str, out: Path) -> None:
    """Train a router on OUTCOMES, JSON lines of questions with what answered them.

    Scores in it are those of searches with the settings' fusion.
    """
    report = _KINDS[kind](outcomes, out, current_settings())
    click.echo(f"{report}\n{out}: set search.router to it")


def _classifier(outcomes: Path, out: Path, settings: Settings) -> str:
    from rag.route.model_file import write
    from rag.route.train import train

    today = datetime.now(UTC).date()
    classifier, report = train(outcomes, today, fusion=settings.search.fusion)
    write(classifier, out)
    return str(report)


def _neighbours(outcomes: Path, out: Path, settings: Settings) -> str:
    from rag.route.log_file import logged, write_log
    from rag.route.silver import read_outcomes
    from rag.wiring import build

    read = read_outcomes(outcomes)  # before the encoder is loaded, which takes seconds
    search = replace(settings.search, route="", router="")  # the old file may be of another encoder
    log = run(logged(read, build(replace(settings, search=search)).encoder))
    write_log(log, out)
    return str(log)


_KINDS: Mapping[str, Callable[[Path, Path, Settings], str]] = {
    "classifier": _classifier,
    "neighbours": _neighbours,
}
