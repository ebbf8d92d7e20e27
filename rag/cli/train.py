"""`firstcite train …`: models adapted to a corpus."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec
from rich.console import Console

from rag.cli.progress import showing
from rag.cli.root import cli, current_settings
from rag.errors import BadInput
from rag.settings import Settings

if TYPE_CHECKING:
    from rag.training.data.exclusion import Excluded
    from rag.training.history import History
    from rag.training.recipes import Pace
    from rag.training.values import Group
    from rag.wiring.training import Training

F = TypeVar("F", bound=Callable[..., Any])

DATA = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path, file_okay=False)

exclude_option = click.option(
    "--exclude",
    multiple=True,
    metavar="FOLDER[:SPLIT]",
    help="BEIR folder whose test queries must not be in the data; repeat the option.",
)
seed_option = click.option("--seed", default=0, show_default=True, help="Of whatever is drawn.")
model_option = click.option(
    "--model", default="", help="Folder or hub name; by default that of the settings."
)


@cli.group("train")
def train_group() -> None:
    """Adapt the encoder, the rerankers and the rewriter to your documents."""


def _trains(
    batch: int, rate: float, epochs: float = 1.0, look: int = 50
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the options of all trainers, with these defaults."""

    def given(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in (
            click.argument("data", type=DATA),
            click.option("--out", required=True, type=FOLDER, help="Folder for the model."),
            model_option,
            click.option("--dev", type=DATA, help="Data that is only looked at."),
            click.option(
                "--hold-out",
                default=0.0,
                type=click.FloatRange(0, 0.9),
                help="Share of the data that is only looked at, where there is no --dev.",
            ),
            exclude_option,
            click.option("--epochs", default=epochs, show_default=True, help="Over the data."),
            click.option("--updates", default=0, help="So many, whatever the epochs."),
            click.option("--batch", default=batch, show_default=True, help="Groups an update."),
            click.option("--rate", default=rate, show_default=True, help="Highest learning rate."),
            click.option("--look", default=look, show_default=True, help="Updates between looks."),
            click.option(
                "--patience", default=0, help="Looks without anything better; 0: to the end."
            ),
            seed_option,
        ):
            command = option(command)
        return command

    return given


def _means(command: F) -> F:
    """Give a command the options of trainers of language models."""
    for option in (
        click.option("--lora", default=0, help="Rank of an adapter; 0 trains all weights."),
        click.option(
            "--tokens", default=2_048, show_default=True, help="Through the model at a time."
        ),
    ):
        command = option(command)
    return command


_passage_tokens = click.option(
    "--passage-tokens", default=192, show_default=True, help="Read of a passage."
)


@train_group.command("retriever")
@_trains(batch=32, rate=3e-5, look=10)
@click.option(
    "--objective",
    default="infonce",
    show_default=True,
    help="infonce, soft-nearest, margin-mse, graded, listnet, ranknet, replug, alignment; "
    "several joined by +.",
)
@click.option("--temperature", default=0.05, show_default=True, help="Of the cosines.")
@click.option("--hard", default=1, show_default=True, help="Hard negatives per query.")
@click.option("--depth", default=10, show_default=True, help="They are drawn from so many.")
@click.option("--every", is_flag=True, help="Show all positives of a query, not one.")
@click.option("--passage-tokens", default=256, show_default=True, help="Read of a passage.")
def retriever_command(data: Path, **options: Any) -> None:  # noqa: ANN401
    """Train the encoder on the groups in DATA; set encoder.model to the folder afterwards."""
    from rag.training.recipes import RetrieverRecipe
    from rag.wiring.training import train_retriever

    settings = current_settings()
    names = ("objective", "temperature", "hard", "depth", "every", "passage_tokens")
    recipe = RetrieverRecipe(_pace(options), **{name: options[name] for name in names})
    if options["model"]:
        encoder = msgspec.structs.replace(settings.encoder, model=options["model"])
        settings = msgspec.structs.replace(settings, encoder=encoder)
    groups, held, proof = _groups(data, options)
    _train(settings, data, options, proof, lambda of: train_retriever(of, groups, held, recipe))
    click.echo(f'encoder.model = "{options["out"]}", then: firstcite reindex')


@train_group.command("ranker")
@_trains(batch=4, rate=3e-5)
@click.option(
    "--method",
    default="query-likelihood",
    show_default=True,
    help="query-likelihood, yes-no, qwen3-reranker.",
)
@click.option("--objective", default="listwise", show_default=True, help="See docs/training.md.")
@click.option("--size", default=6, show_default=True, help="Passages of a group in an update.")
@click.option("--hard", default=1.0, show_default=True, help="Share of negatives by search.")
@_passage_tokens
@_means
def ranker_command(data: Path, **options: Any) -> None:  # noqa: ANN401
    """Train the language model on the groups in DATA, to rank one passage at a time."""
    from rag.training.recipes import RankerRecipe
    from rag.wiring.training import train_ranker

    settings = with_model(current_settings(), options["model"])
    recipe = RankerRecipe(
        _pace(options),
        options["method"],
        options["objective"],
        options["size"],
        options["hard"],
        passage_tokens=options["passage_tokens"],
    )
    groups, held, proof = _groups(data, options)
    means = _means_of(options)
    _train(settings, data, options, proof, lambda of: train_ranker(of, groups, held, recipe, means))
    _say_use(options["out"], recipe.method)


@train_group.command("first")
@_trains(batch=4, rate=5e-5)
@click.option(
    "--stages",
    default="300x4x25x0,300x8x40x0.5,300x10x60x1,150x20x60x1",
    show_default=True,
    help="Curriculum: UPDATESxPASSAGESxTOKENSxHARDxQUERIES, by commas.",
)
@click.option("--objective", default="listwise", show_default=True, help="See docs/training.md.")
@click.option(
    "--taught",
    default="ranking",
    show_default=True,
    type=click.Choice(("joint", "ranking", "writing")),
    help="The letters' ranking, the written ranking, or both.",
)
@click.option("--same-size", is_flag=True, help="Never show fewer passages than the stage has.")
@_means
def first_command(data: Path, **options: Any) -> None:  # noqa: ANN401
    """Train the language model on the groups in DATA, to rank windows by one letter (FIRST)."""
    from rag.training.recipes import FirstRecipe
    from rag.wiring.training import train_first

    settings = with_model(current_settings(), options["model"])
    recipe = FirstRecipe(
        _pace(options),
        options["stages"],
        options["objective"],
        options["taught"],
        vary=not options["same_size"],
    )
    groups, held, proof = _groups(data, options)
    means = _means_of(options)
    _train(settings, data, options, proof, lambda of: train_first(of, groups, held, recipe, means))
    _say_use(options["out"], "first")


@train_group.command("distill")
@_trains(batch=4, rate=3e-5)
@click.option(
    "--teacher", default="pairwise", show_default=True, help="Any rerank.method; asked once."
)
@click.option("--top", default=10, show_default=True, help="Passages of a group that it scores.")
@click.option(
    "--method", default="yes-no", show_default=True, help="Of the student: as of train ranker."
)
@click.option("--size", default=8, show_default=True, help="Passages of a group in an update.")
@_passage_tokens
@_means
def distill_command(data: Path, **options: Any) -> None:  # noqa: ANN401
    """Train the language model to rank as a teacher does, at a fraction of its calls."""
    from rag.cli.distilling import taught_groups
    from rag.training.recipes import RankerRecipe
    from rag.wiring.training import train_ranker

    settings = with_model(current_settings(), options["model"])
    recipe = RankerRecipe(
        _pace(options),
        options["method"],
        "ranknet-plain",
        options["size"],
        passage_tokens=options["passage_tokens"],
    )
    means = _means_of(options)
    folder = taught_groups(data, settings, options)
    dev = {**options, "dev": options["dev"] and taught_groups(options["dev"], settings, options)}
    groups, held, proof = _groups(folder, dev)
    _train(
        settings,
        folder,
        options,
        proof,
        lambda of: train_ranker(of, groups, held, recipe, means, "distill"),
    )
    _say_use(options["out"], recipe.method)


@train_group.command("rewriter")
@_trains(batch=4, rate=1e-5)
@click.option(
    "--objective",
    default="dpo",
    show_default=True,
    type=click.Choice(("dpo", "likelihood")),
    help="Preferences, or the texts that did better than none.",
)
@click.option("--beta", default=0.1, show_default=True, help="Of DPO: how far it may go.")
@_means
def rewriter_command(data: Path, **options: Any) -> None:  # noqa: ANN401
    """Train the language model on the preferences in DATA, to write what helps search."""
    from rag.training.data.files import read
    from rag.training.recipes import RewriterRecipe
    from rag.training.values import Preference
    from rag.wiring.training import train_rewriter

    settings = with_model(current_settings(), options["model"])
    if options["dev"] or options["hold_out"]:
        raise BadInput("a rewriter is looked at by searching: leave --dev and --hold-out out")
    recipe = RewriterRecipe(_pace(options), options["objective"], options["beta"])
    lines = read(data, Preference)
    proof = excluded_of(options["exclude"]).prove(lines)
    means = _means_of(options)
    _train(settings, data, options, proof, lambda of: train_rewriter(of, lines, recipe, means))
    click.echo(f'llm.model = "{options["out"]}"')


def with_model(settings: Settings, model: str) -> Settings:
    """Return the settings with another language model, where one is named."""
    if not model:
        return settings
    llm = msgspec.structs.replace(settings.llm, model=model)
    return msgspec.structs.replace(settings, llm=llm)


def excluded_of(names: Sequence[str], *, documents: bool = False) -> "Excluded":
    """Return the test data that `--exclude` names.

    Raises:
        BadCollection: it cannot be read.
    """
    from eval.data.collection import read_collection
    from indexers.reading import read_paths
    from indexers.splitting.pieces import whole
    from rag.training.data.exclusion import excluded, together
    from rag.values import Document

    found = []
    for name in names:
        folder, _, split = name.partition(":")
        tested = read_collection(Path(folder), split or "test")
        texts: Mapping[str, str] = {}
        if documents:
            wanted = {id_ for grades in tested.qrels.values() for id_, g in grades.items() if g > 0}
            read = (one for one in read_paths([tested.folder]) if isinstance(one, Document))
            texts = {
                c.document_id: c.indexed_text for (c,) in whole([d for d in read if d.id in wanted])
            }
        found.append(excluded(f"{tested.name}:{tested.split}", tested.queries, texts))
    return together(found)


def _pace(options: Mapping[str, Any]) -> "Pace":
    from rag.training.recipes import Pace

    names = ("epochs", "updates", "batch", "rate", "look", "patience", "seed")
    return Pace(**{name: options[name] for name in names})


def _means_of(options: Mapping[str, Any]) -> Any:  # noqa: ANN401 - imports torch when it is needed
    from rag.llms.teaching import Means

    return Means(options["lora"], options["tokens"])


def _groups(
    data: Path, options: Mapping[str, Any]
) -> tuple[list["Group"], list["Group"], Mapping[str, object]]:
    """Return what is learnt from, what is looked at, and the proof that neither is test data.

    Raises:
        BadInput: test data is in it, or what is looked at is learnt from, too.
    """
    from rag.training.data.exclusion import excluded
    from rag.training.data.files import read
    from rag.training.values import Group
    from rag.wiring.training_data import hold_out

    groups = read(data, Group)
    if options["dev"]:
        held = read(options["dev"], Group)
        same = excluded(str(options["dev"]), {group.id: group.query for group in held})
        same.prove(groups)
    else:
        groups, held = hold_out(groups, options["hold_out"])
    return groups, held, excluded_of(options["exclude"]).prove([*groups, *held])


def _train(
    settings: Settings,
    data: Path,
    options: Mapping[str, Any],
    proof: Mapping[str, object],
    train: "Callable[[Training], History]",
) -> None:
    """Train, write the report, and say how it went."""
    from eval.provenance import provenance
    from eval.reports.training import write_training_report
    from rag.folders import digest
    from rag.showing import silent
    from rag.training.data.files import manifest
    from rag.wiring.training import Training

    about = manifest(data) if data.is_dir() else None
    sha = about.sha256 if about else digest(data)
    told = {
        "data": {"name": data.resolve().name, "sha256": sha, "manifest": about},
        "excluded": proof,
        "provenance": provenance(),
    }
    dev = digest(options["dev"]) if options["dev"] else str(options["hold_out"])
    of = Training(settings, options["out"], silent, f"{sha} {dev}", told)
    with showing(Console(stderr=True, soft_wrap=True)) as show:
        history = train(replace(of, show=show))
    report = write_training_report(options["out"])
    best = f", best look {history.best[1]:.4f}" if history.best else ""
    click.echo(
        f"{options['out']}: {len(history.losses):,} updates in {history.seconds:,.0f} s, "
        f"last loss {history.losses[-1]:.4f}{best} ({history.ended}); {report}"
    )


def _say_use(out: Path, method: str) -> None:
    click.echo(f'llm.model = "{out}", rerank.method = "{method}"')
