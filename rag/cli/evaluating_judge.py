"""`firstcite eval judge`: a language model grades how relevant documents are."""

from pathlib import Path
from typing import Any

import click
from rich.console import Console

from rag.cli.evaluate import eval_group
from rag.cli.progress import showing
from rag.cli.root import SKIPPED, current_settings, run
from rag.errors import BadCollection, BadInput
from rag.settings import Settings

FAILURES = 4
"""The exit code of a run in which too many pairs got no valid grade."""

_WANTED = ("split", "runs", "depth", "limit", "exam", "corpus")
_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)


@eval_group.command("judge")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--judge",
    "name",
    required=True,
    help="graded, two-step, criteria, expected, jury; pairwise compares and does not grade.",
)
@click.option("--out", type=_FOLDER, help="Folder for judgments; a record gets its own.")
@click.option("--split", default="test", show_default=True, help="Human labels: qrels/<split>.tsv.")
@click.option(
    "--run",
    "runs",
    multiple=True,
    type=_FILE,
    help="Judge the holes of this TREC run, not the labelled pairs; repeat the option.",
)
@click.option("--depth", default=10, show_default=True, help="To which runs are pooled.")
@click.option("--limit", default=0, help="At most so many pairs, spread over queries; 0: all.")
@click.option("--source", default="", help="Name of the qrels; by default the judge's.")
@click.option(
    "--member",
    "members",
    multiple=True,
    help="Of a jury: a judge, or a .tsv that one made with another model; repeat the option.",
)
@click.option(
    "--exam",
    default=0,
    help="Labelled pairs that jurors are examined with; 0: they weigh each other.",
)
@click.option("--thresholds", type=_FILE, help="File of fitted thresholds.")
@click.option("--fit", type=_FILE, help="Fit thresholds on the labelled pairs, into this file.")
@click.option("--corpus", type=_FOLDER, help="Whole texts of a record's documents: a BEIR folder.")
@click.option("--passage-tokens", default=256, show_default=True, help="Read of a document.")
@click.option(
    "--failures",
    default=0.01,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Share of pairs that may have no valid grade.",
)
def judge_command(folder: Path, name: str, failures: float, **options: Any) -> None:  # noqa: ANN401
    """Grade the labelled pairs of the BEIR folder FOLDER, or the holes of runs or of a record.

    Every reply is kept in ledger.jsonl: a run that was ended goes on with the same command. The
    grades are written to qrels/<source>.tsv, apart from what people judged. The exit code is 3
    where the data cannot be used, and 4 where more pairs than allowed got no valid grade.
    """
    settings = current_settings()
    work = _compare(settings, folder, options) if name == "pairwise" else None
    try:
        failed = run(work or _judge(settings, folder, name, options))
    except BadCollection as error:
        click.echo(f"firstcite: {error}", err=True)
        raise SystemExit(SKIPPED) from None
    if failed > failures:
        click.echo(
            f"firstcite: {failed:.1%} of the pairs have no valid grade, {failures:.1%} are "
            "allowed: take another judge or a larger model, or raise --failures",
            err=True,
        )
        raise SystemExit(FAILURES)


async def _judge(settings: Settings, folder: Path, name: str, options: dict[str, Any]) -> float:
    """Judge, say what was done, and return the largest share of pairs without a valid grade."""
    from eval.judges.commission import Commission, carry_out
    from eval.judges.places import Wanted

    wanted = Wanted(**{key: options.pop(key) for key in _WANTED})
    commission = Commission(name, wanted, **options)
    with showing(Console(stderr=True, soft_wrap=True)) as show:
        judged = await carry_out(folder, commission, settings, show)
    for one in judged:
        of = one.provenance
        click.echo(
            f"{of.collection}: {of.pairs - of.missing:,} of {of.pairs:,} pairs graded by "
            f"{of.judge} ({of.lineage.model}), {of.missing:,} without a valid grade, "
            f"{of.again:,} asked a second way, {of.asked:,} questions in {of.seconds:,.0f} s: "
            f"{one.files[0]}"
        )
    if not judged:
        click.echo("nothing to judge: the runs have no holes to that depth")
    return max((one.provenance.failed for one in judged), default=0.0)


async def _compare(settings: Settings, folder: Path, options: dict[str, Any]) -> float:
    """Compare, say what was done, and return the share of pairs without a valid answer."""
    from eval.judges.places import Wanted
    from eval.judges.preferences import compare

    wanted = Wanted(**{key: options[key] for key in _WANTED})
    out, tokens = options["out"], options["passage_tokens"]
    if out is None:
        raise BadInput("--out is missing: name a folder for the preferences")
    with showing(Console(stderr=True, soft_wrap=True)) as show:
        of = await compare(folder, wanted, out, settings, tokens, show)
    click.echo(
        f"{of.collection}: {of.pairs - of.missing:,} of {of.pairs:,} pairs of documents compared "
        f"by {of.lineage.model}, both orders agree on {of.consistent:.0%}, people on "
        f"{of.agreed:.0%} of {of.compared:,}; {of.asked:,} questions in {of.seconds:,.0f} s: "
        f"{out / 'preferences.jsonl'}"
    )
    return of.missing / of.pairs if of.pairs else 0.0
