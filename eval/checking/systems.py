"""What a check looks at beside labels: runs by name, and the systems of an experiment."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from eval.checking.record import Probes
from eval.checking.report import Beside
from eval.experiments.record import Record, open_record
from rag.errors import BadInput


def beside(
    probes: Probes | None,
    runs: Sequence[Path],
    experiment: Path | None,
    collection: str = "",
    source: str = "",
) -> Beside:
    """Return them, runs named for their files, and for the experiment's systems.

    `source` is the name of the judge's qrels: the experiment may know who that is.

    Raises:
        BadInput: two runs of one name, or no collection chosen of several.
        BadCollection: a folder without an experiment.
    """
    named: dict[str, Path] = {}
    for file in runs:
        name = file.name.removesuffix(".gz").removesuffix(".trec").removesuffix(".txt")
        if name in named:
            raise BadInput(f"two runs are named {name}: rename one of the files")
        named[name] = file
    if experiment is None:
        return Beside(probes, named)
    record = open_record(experiment)
    own = _runs(record, collection)
    if both := sorted(named.keys() & own.keys()):
        raise BadInput(f"the experiment has a run {both[0]} too: rename the file")
    lineage = record.experiment.judges.get(source)
    return Beside(probes, {**named, **own}, record.experiment.systems, lineage)


def _runs(record: Record, collection: str) -> Mapping[str, Path]:
    names = [each.name for each in record.experiment.collections]
    if not collection and len(names) == 1:
        collection = names[0]
    if collection not in names:
        raise BadInput(
            f"{record.folder} has the collections {', '.join(names)}: name one of them by "
            "--collection-name"
        )
    return {each.name: record.run(collection, each.name) for each in record.systems(collection)}
