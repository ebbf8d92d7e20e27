"""`firstcite train data …`: what is trained on, made of documents, judgments and models."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from rag.cli.progress import showing
from rag.cli.root import current_settings, run
from rag.cli.train import (
    DATA,
    FOLDER,
    exclude_option,
    excluded_of,
    model_option,
    seed_option,
    train_group,
    with_model,
)
from rag.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

_PATHS = click.Path(path_type=Path, exists=True)


def _made(command: F) -> F:
    """Give a command the options of all builders."""
    for option in (
        click.option("--out", required=True, type=FOLDER, help="Folder for data and manifest."),
        click.option("--licence", default="", help="Of the sources, for the manifest."),
        exclude_option,
        click.option(
            "--exclude-documents",
            is_flag=True,
            help="Keep relevant documents of the excluded splits out, too, not queries alone.",
        ),
    ):
        command = option(command)
    return command


_collection = click.option(
    "--collection",
    "-c",
    default="",
    help="Search this collection for negatives; by default the documents are indexed for this.",
)
_negatives = click.option(
    "--negatives", default=30, show_default=True, help="Found by search for each query."
)
_skip = click.option(
    "--skip", default=0, show_default=True, help="Best of those found, passed over as doubtful."
)
_limit = click.option("--limit", default=0, help="At most so many of the items; 0: all.")
_split = click.option("--split", default="train", show_default=True, help="qrels/<split>.tsv.")


@train_group.group("data")
def data_group() -> None:
    """Make training data: folders of lines with a manifest of where they come from."""


@data_group.command("qrels")
@click.argument("folder", type=DATA)
@_split
@_negatives
@_skip
@_limit
@_collection
@_made
def qrels_command(folder: Path, split: str, limit: int, **options: Any) -> None:  # noqa: ANN401
    """Make groups of the judged queries of a BEIR FOLDER, with negatives found by search."""
    from rag.wiring.training_data import from_judgments

    settings = current_settings()
    queries = _judged(folder, split, limit)
    decides = _some(options, "negatives", "skip") | {"split": split, "limit": limit}
    job = _job("qrels", settings, (folder,), options, decides)
    _run(job, lambda job: from_judgments(job, queries, options["negatives"], options["skip"]))


@data_group.command("structure")
@click.argument("paths", nargs=-1, required=True, type=_PATHS)
@click.option(
    "--ask",
    multiple=True,
    default=("headings",),
    show_default=True,
    type=click.Choice(("headings", "sentences")),
    help="What asks for a text; repeat the option for both.",
)
@_negatives
@_skip
@_limit
@_collection
@_made
def structure_command(paths: tuple[Path, ...], **options: Any) -> None:  # noqa: ANN401
    """Make groups of PATHS without a label: headings, or sentences, ask for their texts."""
    from rag.wiring.training_data import from_structure

    decides = _some(options, "ask", "negatives", "skip", "limit")
    job = _job("structure", current_settings(), paths, options, decides)
    _run(job, lambda job: from_structure(job, **decides))


@data_group.command("synthetic")
@click.argument("paths", nargs=-1, required=True, type=_PATHS)
@click.option("--count", default=1, show_default=True, help="Questions per passage.")
@click.option("--temperature", default=0.7, show_default=True, help="At which they are drawn.")
@click.option(
    "--round-trip",
    default=3,
    show_default=True,
    help="Keep a question if search finds its passage among so many; 0 keeps all.",
)
@click.option(
    "--imagine",
    is_flag=True,
    help="Let the model write and verify passages and longer questions, too (Syntriever).",
)
@seed_option
@model_option
@_negatives
@_limit
@_collection
@_made
def synthetic_command(paths: tuple[Path, ...], model: str, **options: Any) -> None:  # noqa: ANN401
    """Make groups of questions that the language model writes for passages of PATHS."""
    from rag.training.data.synthetic import Writing
    from rag.wiring.training_data import from_questions

    how = Writing(options["count"], options["temperature"], options["seed"])
    names = ("count", "temperature", "seed", "round_trip", "imagine", "negatives", "limit")
    settings = with_model(current_settings(), model)
    job = _job("synthetic", settings, paths, options, _some(options, *names))
    best, negatives, limit = options["round_trip"], options["negatives"], options["limit"]
    imagine = options["imagine"]
    _run(job, lambda job: from_questions(job, how, best, negatives, limit, imagine=imagine))


@data_group.command("descriptions")
@click.argument("paths", nargs=-1, required=True, type=_PATHS)
@click.option("--count", default=2, show_default=True, help="Of each kind per passage.")
@click.option("--temperature", default=0.7, show_default=True, help="At which they are drawn.")
@seed_option
@model_option
@_negatives
@_limit
@_collection
@_made
def descriptions_command(paths: tuple[Path, ...], model: str, **options: Any) -> None:  # noqa: ANN401
    """Make groups of abstract descriptions of passages of PATHS, true ones and misleading ones."""
    from rag.training.data.synthetic import Writing
    from rag.wiring.training_data import from_descriptions

    how = Writing(options["count"], options["temperature"], options["seed"])
    names = ("count", "temperature", "seed", "negatives", "limit")
    settings = with_model(current_settings(), model)
    job = _job("descriptions", settings, paths, options, _some(options, *names))
    _run(job, lambda job: from_descriptions(job, how, options["negatives"], options["limit"]))


@data_group.command("rewrites")
@click.argument("folder", type=DATA)
@_split
@click.option(
    "--kind",
    default="passage",
    show_default=True,
    type=click.Choice(("passage", "keywords", "search-queries")),
    help="What is written for a query.",
)
@click.option(
    "--reward",
    "rewards",
    multiple=True,
    default=("rank",),
    show_default=True,
    type=click.Choice(("rank", "answer", "reranker")),
    help="What is good; repeat the option, and places are added up.",
)
@click.option("--samples", default=8, show_default=True, help="Texts drawn per query.")
@seed_option
@model_option
@_limit
@_collection
@_made
def rewrites_command(folder: Path, split: str, limit: int, model: str, **options: Any) -> None:  # noqa: ANN401
    """Make preferences between texts that the language model writes for the queries of FOLDER."""
    from rag.wiring.training_data import from_rewrites

    settings = with_model(current_settings(), model)
    queries = _judged(folder, split, limit)
    decides = _some(options, "kind", "rewards", "samples", "seed") | {"split": split}
    job = _job("rewrites", settings, (folder,), options, {**decides, "limit": limit})
    kind, rewards = options["kind"], options["rewards"]
    samples, seed = options["samples"], options["seed"]
    _run(job, lambda job: from_rewrites(job, queries, kind, rewards, samples, seed))


@data_group.command("teacher")
@click.argument("data", type=DATA)
@click.option(
    "--method",
    default="pairwise",
    show_default=True,
    help="Any rerank.method, or first-stage for the order in which passages were found.",
)
@click.option("--top", default=10, show_default=True, help="Passages of a group that it scores.")
@model_option
@_made
def teacher_command(data: Path, model: str, **options: Any) -> None:  # noqa: ANN401
    """Give the passages of the groups in DATA a teacher's scores."""
    from rag.training.data.files import read
    from rag.training.values import Group
    from rag.wiring.training_data import from_teacher

    settings = with_model(current_settings(), model)
    groups = read(data, Group)
    decides = _some(options, "method", "top")
    job = _job("teacher", settings, (data,), options, decides)
    _run(job, lambda job: from_teacher(job, groups, options["method"], options["top"]))


def _some(options: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: options[name] for name in names}


def _judged(folder: Path, split: str, limit: int) -> list[Any]:
    from eval.data.collection import read_collection
    from rag.training.data.judged import Judged

    found = read_collection(folder, split)
    every = [Judged(id_, text, found.qrels[id_]) for id_, text in found.queries.items()]
    return every[: limit or None]


def _job(
    name: str,
    settings: Settings,
    paths: Sequence[Path],
    options: Mapping[str, Any],
    decides: Mapping[str, Any],
) -> Any:  # noqa: ANN401 - imports the wiring when it is needed
    from eval.provenance import provenance
    from rag.folders import digest
    from rag.showing import silent
    from rag.training.data.files import Source
    from rag.wiring.training_data import Job

    licence = options["licence"] or "not declared"
    return Job(
        name,
        settings,
        tuple(paths),
        options["out"],
        silent,
        {**decides, "exclude_documents": options["exclude_documents"]},
        excluded_of(options["exclude"], documents=options["exclude_documents"]),
        tuple(Source(path.resolve().name, digest(path), licence) for path in paths),
        provenance(),
        options.get("collection", ""),
    )


def _run(job: Any, make: Callable[[Any], Any]) -> None:  # noqa: ANN401 - as above
    from dataclasses import replace

    with showing(Console(stderr=True, soft_wrap=True)) as show:
        about = job.finished() or run(make(replace(job, show=show)))
    told = ", ".join(f"{count:,} {what}" for what, count in about.counts.items())
    click.echo(f"{job.out}: {told}")
