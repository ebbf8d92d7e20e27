"""`firstcite eval judge-check …`: may a judge's labels be used?"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from rag.cli.evaluate import eval_group
from rag.cli.root import current_settings
from rag.errors import BadInput

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
    from eval.checking.sheet import cases_of, to_csv, to_page
    from eval.data.collection import read_queries

    current_settings()
    labels = read_judged(judged, top)
    sample = draw(labels.qrels, judged.name, top=top, pairs=pairs, seed=seed)
    wanted = [(pair.query_id, pair.document_id) for pair in sample.pairs]
    cases = cases_of(sample, _asked(folder, read_queries(folder), wanted), _texts(folder, wanted))
    out.mkdir(parents=True, exist_ok=True)
    write_sample(sample, out / SAMPLE)
    (out / SHEET).write_text(to_csv(cases), encoding="utf-8-sig")  # so that spreadsheets know
    (out / PAGE).write_text(to_page(cases, top, f"Label {folder.resolve().name}"), encoding="utf-8")
    drawn = ", ".join(f"{s.drawn} of {s.size:,} graded {s.grade}" for s in sample.strata)
    click.echo(f"{len(cases)} pairs of {sample.queries} queries: {drawn}")
    if labels.failed:
        click.echo(f"left out: {len(labels.failed):,} pairs without a valid grade", err=True)
    click.echo(f"label {out / PAGE} or {out / SHEET}; keep {SAMPLE} for the report")


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


def _asked(
    folder: Path, queries: Mapping[str, str], pairs: Iterable[tuple[str, str]]
) -> Mapping[str, str]:
    """Return the queries.

    Raises:
        BadInput: one of the pairs' is not among them.
    """
    for query_id, document_id in pairs:
        if query_id not in queries:
            raise BadInput(
                f"{folder}: queries.jsonl lacks '{query_id}', which is judged with "
                f"'{document_id}': name the collection that was judged"
            )
    return queries


def _texts(folder: Path, pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the texts of the pairs' documents, titles before them."""
    from eval.data.runs import ScoredDocument
    from eval.studies.reranking import read_texts

    found = read_texts(folder, {f"{q} {d}": (ScoredDocument(d, 0.0),) for q, d in pairs})
    return {
        name: f"{chunk.title}\n{chunk.text}" if chunk.title else chunk.text
        for name, chunk in found.items()
    }
