"""`firstcite route`: a router learnt from one's own outcomes."""

from datetime import UTC, datetime
from pathlib import Path

import click

from rag.cli.root import cli


@cli.group("route")
def route_group() -> None:
    """Which questions need no search, one, or several."""


@route_group.command("train")
@click.argument("outcomes", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("route.toml"),
    show_default=True,
    help="Where the router goes, a text file.",
)
def train_command(outcomes: Path, out: Path) -> None:
    """Train a router on OUTCOMES, JSON lines of questions with what answered them."""
    from rag.route.model_file import write
    from rag.route.train import train

    classifier, report = train(outcomes, datetime.now(UTC).date())
    write(classifier, out)
    click.echo(f"{report}\n{out}: set search.router to it")
