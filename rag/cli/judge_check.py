"""`firstcite eval judge-check …`: may a judge's labels be used?"""

from functools import partial
from pathlib import Path

import click
from msgspec.structs import replace
from rich.console import Console

from rag.cli.evaluate import eval_group
from rag.cli.progress import showing
from rag.cli.root import current_settings, run
from rag.settings import Settings

SAMPLE = "sample.json"
SHEET = "pairs.csv"
PAGE = "label.html"
PROBES = "probes.json"

_folder = click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
_judged = click.option(
    "--judged",
    required=True,
    type=click.Path(path_type=Path),
    help="The judge's labels: JSON lines with query_id, document_id and grade, or qrels.",
)
_top = click.option(
    "--top", type=click.IntRange(1, 9), default=3, show_default=True, help="The best grade."
)
_cut = click.option(
    "--cut",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="The grade from which on a document is relevant.",
)
_seed = click.option("--seed", type=int, default=0, show_default=True, help="Of what is drawn.")
_out = click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False, writable=True),
    help="Folder for what is written.",
)


@eval_group.group("judge-check")
def judge_check() -> None:
    """Compare a relevance judge with people, probe it, and say whether it may be used."""


@judge_check.command("sample")
@_folder
@_judged
@click.option(
    "--pairs", type=click.IntRange(min=1), default=200, show_default=True, help="How many."
)
@_top
@_seed
@_out
def sample_command(folder: Path, judged: Path, pairs: int, top: int, seed: int, out: Path) -> None:
    """Draw judged pairs of the BEIR collection in FOLDER for people to label.

    Writes pairs.csv to be labelled in a spreadsheet, label.html to be labelled in a browser, and
    sample.json, which the report needs and which whoever labels should not see: it holds the
    judge's grades.
    """
    from eval.checking.judged import read_judged
    from eval.checking.sampling import draw, write_sample
    from eval.checking.sheet import to_csv, to_page
    from eval.data.collection import read_queries
    from eval.judges.pairs import read_texts, with_texts

    current_settings()
    labels = read_judged(judged, top)
    sample = draw(labels.qrels, judged.name, top=top, pairs=pairs, seed=seed)
    wanted = [(pair.query_id, pair.document_id) for pair in sample.pairs]
    texts = read_texts(folder, {document for _, document in wanted})
    given = with_texts(wanted, read_queries(folder), texts, str(folder))
    cases = tuple(zip((pair.pair_id for pair in sample.pairs), given, strict=True))
    out.mkdir(parents=True, exist_ok=True)
    write_sample(sample, out / SAMPLE)
    (out / SHEET).write_bytes(to_csv(cases).encode("utf-8-sig"))  # the mark tells spreadsheets
    (out / PAGE).write_text(to_page(cases, top, f"Label {folder.resolve().name}"), encoding="utf-8")
    drawn = ", ".join(f"{s.drawn} of {s.size:,} graded {s.grade}" for s in sample.strata)
    click.echo(f"{len(cases)} pairs of {sample.queries} queries: {drawn}")
    if labels.failed:
        click.echo(f"left out: {len(labels.failed):,} pairs without a valid grade", err=True)
    click.echo(f"label {out / PAGE} or {out / SHEET}; keep {SAMPLE} for the report")


@judge_check.command("probe")
@_folder
@click.option("--judge", required=True, help="One of those of `firstcite eval judge`.")
@click.option(
    "--jury",
    "jury_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="For --judge jury: the jury.json that `firstcite eval judge` wrote, with its members.",
)
@click.option("--split", default="test", show_default=True, help="qrels/<split>.tsv.")
@click.option(
    "--cases", type=click.IntRange(min=1), default=40, show_default=True, help="Of each probe."
)
@_seed
@_out
def probe_command(
    folder: Path,
    judge: str,
    jury_file: Path | None,
    split: str,
    cases: int,
    seed: int,
    out: Path,
) -> None:
    """Ask a judge about texts made to tell, of the BEIR collection in FOLDER.

    Asks again, in another order, about cut and translated passages, and about texts that answer
    nothing but try to please. Writes probes.json for the report. What the judge said before, here
    or in a cache of ours, is not used.
    """
    settings = current_settings()
    if (judge == "jury") != (jury_file is not None):
        raise click.UsageError("--judge jury and --jury FILE go together")
    out.mkdir(parents=True, exist_ok=True)
    run(_probe(settings, folder, split, judge, jury_file, cases, seed, out / PROBES))


@judge_check.command("report")
@click.option(
    "--people",
    "files",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="A labelled CSV file of one person, named for them, or qrels; repeat it.",
)
@_judged
@click.option(
    "--sample",
    "sample_file",
    type=click.Path(path_type=Path),
    help="The sample.json that CSV files were drawn with; by default beside the first.",
)
@click.option(
    "--probes", "probes_file", type=click.Path(path_type=Path), help="What `probe` wrote."
)
@click.option(
    "--run",
    "runs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A run in TREC format, to compare the order of systems; repeat it.",
)
@click.option(
    "--experiment",
    type=click.Path(path_type=Path, file_okay=False),
    help="What `eval run` wrote: its runs, and the models that its systems are made of.",
)
@click.option(
    "--collection-name", default="", help="Of the experiment's collections; needed for several."
)
@_top
@_cut
@click.option(
    "--epsilon",
    type=click.FloatRange(0, 1),
    default=0.1,
    show_default=True,
    help="How much worse than a person the judge may be: .2 beside experts, .1 beside a crowd. "
    "Choose it before you look.",
)
@_out
def report_command(
    files: tuple[Path, ...],
    judged: Path,
    sample_file: Path | None,
    probes_file: Path | None,
    runs: tuple[Path, ...],
    experiment: Path | None,
    collection_name: str,
    top: int,
    cut: int,
    epsilon: float,
    out: Path,
) -> None:
    """Compare a judge with people, and say GO or NO-GO.

    Writes judge-check.json and judge-check.md. The exit code is 0 for either verdict.
    """
    from eval.checking.judged import read_judged
    from eval.checking.markdown import to_markdown
    from eval.checking.people import read_people
    from eval.checking.record import open_probes, write
    from eval.checking.report import check
    from eval.checking.systems import beside

    current_settings()
    people, labels = read_people(files, sample_file, top), read_judged(judged, top)
    probes = open_probes(probes_file) if probes_file else None
    others = beside(probes, runs, experiment, collection_name, judged.stem)
    found = check(people, labels, others, top=top, cut=cut, epsilon=epsilon)
    out.mkdir(parents=True, exist_ok=True)
    write(found, out / "judge-check.json")
    text = to_markdown(found)
    (out / "judge-check.md").write_text(text, encoding="utf-8")
    click.echo(text)


async def _probe(
    settings: Settings,
    folder: Path,
    split: str,
    judge: str,
    jury_file: Path | None,
    count: int,
    seed: int,
    file: Path,
) -> None:
    """Probe, write what was found, and print it."""
    from eval.checking.markdown import of_probes
    from eval.checking.probing import choose, probe
    from eval.checking.record import write
    from eval.data.collection import read_collection
    from eval.judges.judge import Room
    from eval.judges.ledger import Ledger
    from eval.judges.opening import check, make_judge, make_jury, room_of
    from eval.judges.pairs import read_texts, with_texts
    from eval.judges.sources import read_provenance
    from rag.wiring import open_llm

    jury = read_provenance(jury_file) if jury_file else None
    if not jury:
        check(judge, None)
    collection = read_collection(folder, split)
    pairs = choose(collection.qrels, count, seed)
    texts = read_texts(folder, {document for _, document in pairs})
    given = with_texts(pairs, collection.queries, texts, str(folder))
    llm = await open_llm(replace(settings, llm=replace(settings.llm, replies_mb=0)))
    try:
        make = partial(
            partial(make_jury, jury) if jury else partial(make_judge, judge),
            llm,
            room=room_of(settings, Room().passage_tokens),
        )
        lineage = make(Ledger()).lineage
        with showing(Console(stderr=True, soft_wrap=True)) as show:
            found = await probe(
                lambda: make(Ledger()), judge, given, lineage, count=count, seed=seed, show=show
            )
    finally:
        await llm.close()
    write(found, file)
    click.echo("\n".join(of_probes(found)))
