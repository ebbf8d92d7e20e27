"""`firstcite calibrate`: when to answer, learnt from labelled questions."""

from pathlib import Path

import click
from msgspec.structs import replace

from rag.cli.root import cli, collection_option, current_settings, run


@cli.command("calibrate")
@click.argument("questions", type=click.Path(path_type=Path, dir_okay=False))
@collection_option
@click.option(
    "--answered-wrong-at-most",
    type=click.FloatRange(0, 1),
    help="Largest share of unanswerable questions to answer; else both errors weigh alike.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("answer.toml"),
    show_default=True,
    help="Where the calibration goes, a text file.",
)
def calibrate_command(
    questions: Path, collection: str | None, answered_wrong_at_most: float | None, out: Path
) -> None:
    """Fit when to answer on QUESTIONS, JSON lines that say which can be answered."""
    from rag.calibrate import read_labelled
    from rag.calibration_file import write_calibration
    from rag.wiring import build
    from rag.wiring.calibrating import calibrated

    settings = current_settings()
    labelled = read_labelled(questions)  # before the encoder is loaded, which takes seconds
    engine = build(replace(settings, answer=replace(settings.answer, calibration="")))
    name = collection or settings.server.collection
    found = run(calibrated(engine, name, labelled, answered_wrong_at_most))
    write_calibration(found, out)
    told = found.held_out
    click.echo(
        f"{found.counts['answerable']} answerable questions, held out {told['right']:.2f} of them "
        f"answered\n{found.counts['unanswerable']} unanswerable, {told['wrong']:.2f} answered; "
        f"AUC {told['auc']:.3f}\n{out}: set answer.calibration to it"
    )
