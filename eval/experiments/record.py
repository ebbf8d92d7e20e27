"""What an experiment leaves behind: a folder that reports are made from, and nothing else.

```
OUT/
  experiment.json                          `Experiment`, without what stands in the other files
  collections/NAME/queries.jsonl           {"_id", "text"}, the queries asked, in their order
  collections/NAME/qrels/SOURCE.tsv        BEIR's form; SOURCE is "human", or a judge's name
  collections/NAME/runs/SYSTEM.trec.gz     the de-tied ranking, best first
  collections/NAME/rows/SYSTEM.jsonl       a `Row` a line: what queries cost; not of foreign runs
  collections/NAME/snippets.jsonl          a `Snippet` a line, of documents near the top of any run
```

Runs are large (20 systems of 10,000 queries are 20 million lines), so they stay on disk until one
is looked at.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

import msgspec

from eval.data.collection import Qrels, numbered_lines, read_qrels, read_queries
from rag.errors import BadCollection
from rag.values import Frozen

SCHEMA = "firstcite-experiment/1"

T = TypeVar("T")
Role: TypeAlias = Literal["judge", "reranker", "expander", "generator"]


@dataclass(frozen=True, slots=True)
class Lineage(Frozen):
    """Who a model is: what guards against judging one's own kind.

    `family` is the model's (`LLMSpec.family`), `model` its name, `prompt` the hash of its prompt.
    """

    role: Role
    family: str
    model: str
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class StageCost(Frozen):
    """What one stage of one query took: milliseconds, calls, and tokens that were really read.

    `cached` counts calls that a cache answered; where there are any, `ms` is no latency. `model`
    read the tokens, "" where the system has but one.
    """

    name: str
    ms: float
    status: str = "ok"
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cached: int = 0
    model: str = ""


@dataclass(frozen=True, slots=True)
class Row(Frozen):
    """How one system answered one query.

    `before` are the documents as the reranker was given them, best first; none where none was
    asked. `shuffled` are the whole rankings where it was given them in other orders. `missing` and
    `malformed` are the reranker's (`rag.seams.Reranked`). `error` is why nothing was found, ""
    where all went well; the query then counts 0.
    """

    query_id: str
    stages: tuple[StageCost, ...] = ()
    before: tuple[str, ...] = ()
    missing: int = 0
    malformed: int = 0
    error: str = ""
    shuffled: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Snippet(Frozen):
    """The beginning of a document, to be shown beside its rank."""

    document_id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class SystemRecord(Frozen):
    """A system as it was run: what it was asked for, and who it is made of.

    `asked` is its table in the experiment's file. `foreign` is the name of the run file that it was
    read from, "" for one that was run here.
    """

    name: str
    asked: Mapping[str, object] = field(default_factory=dict)
    lineage: tuple[Lineage, ...] = ()
    foreign: str = ""


@dataclass(frozen=True, slots=True)
class CollectionRecord(Frozen):
    """A collection as it was read.

    `fingerprint` is the SHA-256 of its sorted ids and texts. `sources` names its qrels, "human"
    first where people judged. `left_out` says why queries are not asked, by id. Without `texts`
    reports show ids alone. `systems` names those that were run over it, where not all were.
    """

    name: str
    split: str
    documents: int
    fingerprint: str
    sources: tuple[str, ...] = ("human",)
    left_out: Mapping[str, str] = field(default_factory=dict)
    texts: bool = True
    systems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Analysis(Frozen):
    """How figures are compared: chosen before they are seen.

    `measures` are names as ir_measures writes them; the first decides. `baseline` is the system
    that others are compared with. `margin` is the loss that is still no regression.
    """

    measures: tuple[str, ...] = ("nDCG@10", "R@100", "RR@10", "AP", "Judged@10")
    baseline: str = ""
    test: Literal["randomisation", "t", "wilcoxon"] = "randomisation"
    correction: Literal["holm", "bh", "by", "none"] = "holm"
    alpha: float = 0.05
    draws: int = 10_000
    seed: int = 20_261_122
    margin: float = 0.01


@dataclass(frozen=True, slots=True)
class Price(Frozen):
    """What a model costs, per million tokens, in `currency`, as of `date`."""

    model: str
    tokens_in: float
    tokens_out: float
    currency: str = "USD"
    date: str = ""


@dataclass(frozen=True, slots=True)
class Experiment(Frozen):
    """Everything about an experiment but its queries, qrels, runs and rows.

    `provenance` is what `eval.provenance` says; `judges` are the lineages of whoever made qrels
    that are not human, by the name of the source, and `judge_failures` the share of the pairs that
    each was asked for and gave no valid grade to.
    """

    name: str
    collections: tuple[CollectionRecord, ...]
    systems: tuple[SystemRecord, ...]
    analysis: Analysis
    provenance: Mapping[str, object]
    judges: Mapping[str, Lineage] = field(default_factory=dict)
    prices: tuple[Price, ...] = ()
    schema: str = SCHEMA
    judge_failures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record(Frozen):
    """An experiment's folder, opened."""

    folder: Path
    experiment: Experiment

    def queries(self, collection: str) -> Mapping[str, str]:
        """Return the queries of a collection, texts by id."""
        return read_queries(self.of(collection))

    def qrels(self, collection: str, source: str = "human") -> Qrels:
        """Return the grades that one source gave."""
        return read_qrels(self.of(collection) / "qrels" / f"{source}.tsv")

    def systems(self, collection: str) -> tuple[SystemRecord, ...]:
        """Return the systems that were run over a collection."""
        (of,) = (one for one in self.experiment.collections if one.name == collection)
        every = self.experiment.systems
        return tuple(one for one in every if one.name in of.systems) if of.systems else every

    def run(self, collection: str, system: str) -> Path:
        """Return the run file of a system."""
        return self.of(collection) / "runs" / f"{system}.trec.gz"

    def rows(self, collection: str, system: str) -> Iterator[Row]:
        """Yield what every query cost a system; nothing for a foreign run."""
        file = self.of(collection) / "rows" / f"{system}.jsonl"
        yield from _each(file, Row)

    def snippets(self, collection: str) -> Iterator[Snippet]:
        """Yield the beginnings of documents."""
        file = self.of(collection) / "snippets.jsonl"
        yield from _each(file, Snippet)

    def of(self, collection: str) -> Path:
        """Return the folder of a collection."""
        return self.folder / "collections" / collection


def _each(file: Path, kind: type[T]) -> Iterator[T]:
    if not file.is_file():
        return
    decoder = msgspec.json.Decoder(kind)
    for number, line in numbered_lines(file):
        try:
            yield decoder.decode(line)
        except msgspec.MsgspecError as error:
            raise BadCollection(f"{file}:{number}: no {kind.__name__}: {error}") from None


def open_record(folder: Path) -> Record:
    """Return the record in a folder.

    Raises:
        BadCollection: there is none, it is damaged, or another version wrote it.
    """
    file = folder / "experiment.json"
    try:
        experiment = msgspec.json.decode(file.read_bytes(), type=Experiment)
    except (OSError, msgspec.MsgspecError) as error:
        raise BadCollection(
            f"{folder} holds no experiment: {error}: name a folder that `firstcite eval run` wrote"
        ) from None
    if experiment.schema != SCHEMA:
        raise BadCollection(f"{file} is {experiment.schema}; this version reads {SCHEMA}")
    return Record(folder, experiment)


def write_record(record: Record) -> None:
    """Write what stands in `experiment.json`, at once or not at all."""
    record.folder.mkdir(parents=True, exist_ok=True)
    written = record.folder / "experiment.json.new"
    written.write_bytes(msgspec.json.format(msgspec.json.encode(record.experiment)) + b"\n")
    written.replace(record.folder / "experiment.json")
