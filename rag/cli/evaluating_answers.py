"""`firstcite eval answers` and `eval compare-answers`: cited answers, judged and compared."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar, get_args

import click
from rich.console import Console

from rag.cli.evaluate import eval_group, scratch
from rag.cli.progress import showing
from rag.cli.root import SKIPPED, current_settings, run
from rag.sections import Splitters
from rag.settings import Settings

JudgeName: TypeAlias = Literal["none", "llm"]
FC = TypeVar("FC", bound=Callable[..., Any] | click.Command)

_judge_option = click.option(
    "--judge",
    type=click.Choice(get_args(JudgeName)),
    default="none",
    show_default=True,
    help="none: facts and words alone, without a model; llm: the settings' language model, too.",
)


def _out_option(what: str) -> Callable[[FC], FC]:
    return click.option(
        "--out",
        required=True,
        type=click.Path(path_type=Path, file_okay=False, writable=True),
        help=f"Folder for {what}.",
    )


_folder = click.Path(path_type=Path, exists=True, file_okay=False)
_answered = click.Path(path_type=Path, file_okay=False)


@eval_group.command("answers")
@click.argument("folder", type=_folder)
@click.option("--queries", type=click.IntRange(min=1), help="The first N; by default all.")
@click.option(
    "--splitter",
    type=click.Choice(get_args(Splitters)),
    help="none: one chunk per document; by default index.splitter.",
)
@click.option(
    "--collection",
    "-c",
    default="",
    help="Index into this collection of the settings' store and keep it for the next run; by "
    "default into a temporary folder.",
)
@click.option(
    "--references",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What people know of the queries, JSON lines: answers, nuggets, answerable.",
)
@_judge_option
@_out_option("answers and reports")
def answers_command(
    folder: Path,
    queries: int | None,
    splitter: str | None,
    collection: str,
    references: Path | None,
    judge: JudgeName,
    out: Path,
) -> None:
    """Index the BEIR folder FOLDER, answer its queries as the settings say, and check the answers.

    Writes answers.jsonl (TREC RAG 2024), scores.jsonl, report.json and report.md; and nuggets.jsonl
    where the judge made nuggets, to be given as --references to the next run. The exit code is 1
    where a quote does not stand in its document or a citation has no reference, and 3 where
    documents were skipped or queries failed.
    """
    settings = current_settings()
    out.mkdir(parents=True, exist_ok=True)
    splitter = splitter or settings.index.splitter
    with scratch(settings, splitter, keep=bool(collection)) as within:
        work = _answers(within, folder, queries or 0, collection, references, judge, out)
        if code := run(work):
            raise SystemExit(code)


async def _answers(
    settings: Settings,
    folder: Path,
    queries: int,
    collection: str,
    file: Path | None,
    judge: JudgeName,
    out: Path,
) -> int:
    """Measure, print the report, and return the exit code."""
    from eval.answers.asking import answers
    from eval.answers.judge import AnswerJudge, Asked, Words
    from eval.answers.references import made, read_references, write_references
    from eval.answers.report import write_answers, write_report, write_scores
    from eval.answers.scoring import judged
    from eval.data.collection import read_questions
    from rag.wiring import build

    every = read_questions(folder)
    references = read_references(file, every) if file else {}
    asked = dict(list(every.items())[: queries or None])
    engine = build(settings)
    try:
        with showing(Console(stderr=True, soft_wrap=True)) as show:
            found = await answers(folder, asked, engine, show, collection)
            write_answers(found, settings, out / "answers.jsonl")  # judging may take hours
            judges: list[AnswerJudge] = [Words()]
            if judge == "llm":
                judges.append(Asked(await engine.llm()))
            said = [await judged(found.checked, asked, references, one, show) for one in judges]
    finally:
        await engine.close()
    for fault in found.index.faults:
        click.echo(f"skipped {fault}", err=True)
    for query_id, why in found.failed.items():
        click.echo(f"no answer to {query_id}: {why}", err=True)
    markdown = write_report([found], settings, out, {folder: said})
    click.echo(markdown.read_text(encoding="utf-8"))
    write_scores(said, out / "scores.jsonl")
    if judge == "llm" and said[-1].made:
        write_references(made(references, said[-1].made), out / "nuggets.jsonl")
    return exit_code(sound=found.sound, whole=found.whole)


def exit_code(*, sound: bool, whole: bool) -> int:
    """Return 1 where a quote or a reference is wrong, 3 where something was left out, else 0."""
    if not sound:
        return 1
    return 0 if whole else SKIPPED


@eval_group.command("compare-answers")
@click.argument("a", type=_answered)
@click.argument("b", type=_answered)
@_judge_option
@_out_option("the comparison")
def compare_answers_command(a: Path, b: Path, judge: JudgeName, out: Path) -> None:
    """Compare the answers of two folders that `eval answers` wrote: who is preferred, and where.

    A language model is asked about each pair in both orders. Writes comparison.json and
    comparison.md.
    """
    settings = current_settings()
    out.mkdir(parents=True, exist_ok=True)
    run(_compare(settings, a, b, judge, out))


async def _compare(settings: Settings, a: Path, b: Path, judge: JudgeName, out: Path) -> None:
    from eval.answers.comparing import to_json, write_comparison
    from eval.answers.judge import Asked
    from eval.answers.systems import pairs, read_system
    from rag.wiring import open_llm

    one, other = read_system(a), read_system(b)
    shared = pairs(one, other)
    said = {}
    if judge == "llm":
        llm = await open_llm(settings)
        try:
            with showing(Console(stderr=True, soft_wrap=True)) as show:
                said[llm.spec.name] = await Asked(llm).preferred(shared, show)
        finally:
            await llm.close()
    click.echo(write_comparison(to_json(one, other, said), out).read_text(encoding="utf-8"))
