"""Where pairs to be judged come from: a BEIR folder, or the record of an experiment."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from eval.data.collection import Qrels, read_collection
from eval.data.runs import read_run
from eval.experiments.record import Lineage, Record, open_record, write_record
from eval.judges.pairs import Pair, holes, labelled, read_texts, spread, titled, with_texts
from rag.errors import BadInput
from rag.values import Case, Frozen


@dataclass(frozen=True, slots=True)
class Wanted(Frozen):
    """Which pairs are to be judged.

    Args:
        split: of the human qrels of a BEIR folder.
        runs: files whose holes are judged; without any, the labelled pairs of a BEIR folder.
        depth: to which runs are pooled.
        limit: pairs of a collection, spread over its queries; 0 is all.
        exam: labelled pairs, spread in the same way, that jurors are examined with.
        corpus: BEIR folder with the texts of a record's documents; by default its snippets, which
            are beginnings.
    """

    split: str = "test"
    runs: tuple[Path, ...] = ()
    depth: int = 10
    limit: int = 0
    exam: int = 0
    corpus: Path | None = None


@dataclass(frozen=True, slots=True)
class Place(Frozen):
    """Pairs of one collection, with their texts, and where judgments of them are written."""

    name: str
    split: str
    kind: Literal["labelled", "holes"]
    cases: tuple[Case, ...]
    exam: tuple[tuple[Case, int], ...]
    human: Qrels
    out: Path


def places(folder: Path, wanted: Wanted, out: Path | None) -> tuple[Place, ...]:
    """Return what is to be judged, one place for a BEIR folder, one a collection for a record.

    Raises:
        BadCollection: a file or a text is missing or damaged.
        BadInput: a BEIR folder without a folder to write to, or a record with one.
    """
    if not (folder / "experiment.json").is_file():
        if out is None:
            raise BadInput("--out is missing: name a folder for the judgments")
        return (_of_folder(folder, wanted, out),)
    if out is not None or wanted.runs:
        raise BadInput(
            f"{folder} is the record of an experiment: its own runs are judged and its judgments "
            "written into it: leave out --out and --run"
        )
    record = open_record(folder)
    return tuple(_of_record(record, one.name, wanted) for one in record.experiment.collections)


def _of_folder(folder: Path, wanted: Wanted, out: Path) -> Place:
    collection = read_collection(folder, wanted.split)
    human = collection.qrels
    pairs = labelled(human)
    if wanted.runs:
        pairs = holes(map(read_run, wanted.runs), wanted.depth, human)
    pairs, exam = spread(pairs, wanted.limit), _exam(human, wanted)
    texts = read_texts(folder, {document for _, document in [*pairs, *exam]})
    cases = with_texts(pairs, collection.queries, texts, str(folder))
    return Place(
        collection.name,
        wanted.split,
        "holes" if wanted.runs else "labelled",
        tuple(cases),
        _known(with_texts(exam, collection.queries, texts, str(folder)), human),
        human,
        out,
    )


def _of_record(record: Record, name: str, wanted: Wanted) -> Place:
    (of,) = (one for one in record.experiment.collections if one.name == name)
    human, queries = record.qrels(name), record.queries(name)
    runs = (read_run(record.run(name, system.name)) for system in record.systems(name))
    pairs = spread(holes(runs, wanted.depth, human), wanted.limit)
    exam = _exam(human, wanted)
    ids = {document for _, document in [*pairs, *exam]}
    if wanted.corpus:
        texts = read_texts(wanted.corpus, ids)
    else:
        texts = {s.document_id: titled(s.title, s.text) for s in record.snippets(name)}
        exam = [pair for pair in exam if pair[1] in texts]
    where = str(wanted.corpus or record.of(name) / "snippets.jsonl")
    return Place(
        name,
        of.split,
        "holes",
        tuple(with_texts(pairs, queries, texts, where)),
        _known(with_texts(exam, queries, texts, where), human),
        human,
        record.of(name),
    )


def _exam(human: Qrels, wanted: Wanted) -> list[Pair]:
    return spread(labelled(human), wanted.exam) if wanted.exam else []


def _known(cases: list[Case], human: Qrels) -> tuple[tuple[Case, int], ...]:
    return tuple((case, human[case.query_id][case.document_id]) for case in cases)


def note(
    folder: Path, source: str, judges: Mapping[str, Lineage], failures: Mapping[str, float]
) -> None:
    """Write into a record that collections have qrels of a source, and by whom.

    Args:
        folder: of the record; of anything else nothing is noted.
        source: name of the qrels.
        judges: who made them, by collection.
        failures: shares of the pairs without a valid grade, by collection; the largest counts.
    """
    if not judges or not (folder / "experiment.json").is_file():
        return
    record = open_record(folder)
    experiment = record.experiment
    collections = tuple(
        replace(one, sources=tuple(dict.fromkeys((*one.sources, source))))
        if one.name in judges
        else one
        for one in experiment.collections
    )
    noted = replace(
        experiment,
        collections=collections,
        judges={**experiment.judges, source: next(iter(judges.values()))},
        judge_failures={**experiment.judge_failures, source: max(failures.values())},
    )
    write_record(Record(folder, noted))
