"""A run of a judge over the pairs of a collection: assessed, kept, written with provenance."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from eval.data.collection import Qrels
from eval.judges.calibration import Thresholds, fit
from eval.judges.judge import Assessment, Assessor
from eval.judges.jury import Jury
from eval.judges.ledger import Entry, Ledger, read_ledger
from eval.judges.sources import Provenance, check_source, write_source
from eval.provenance import provenance
from rag.errors import LLMUnavailable
from rag.values import Case, Frozen


@dataclass(frozen=True, slots=True)
class Task(Frozen):
    """What is to be judged, and where it is written.

    `out` is the folder that gets `qrels/`; the ledger lies beside it. `settings` go into the
    provenance.
    """

    source: str
    judge: str
    kind: Literal["labelled", "holes"]
    collection: str
    split: str
    cases: Sequence[Case]
    out: Path
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged(Frozen):
    """What a run gave."""

    assessments: tuple[Assessment, ...]
    provenance: Provenance
    files: tuple[Path, ...]


async def run(task: Task, judge: Assessor, ledger: Ledger) -> Judged:
    """Judge, and write the qrels of the source with their provenance.

    Raises:
        LLMUnavailable: the model failed; what it said before is in the ledger, for the next run.
        BadInput: the source's qrels are somebody else's.
    """
    check_source(task.out / "qrels", task.source, judge.lineage)
    began, before = time.monotonic(), ledger.asked
    with going_on(ledger):
        assessments = await judge.assess(task.cases)
    seconds = time.monotonic() - began
    entries = _about(task, judge, ledger)
    said = Provenance(
        source=task.source,
        judge=task.judge,
        lineage=judge.lineage,
        fingerprint="+".join(sorted({entry.model for entry in entries})),
        parsers=tuple(sorted({entry.parser for entry in entries})),
        kind=task.kind,
        collection=task.collection,
        split=task.split,
        pairs=len(assessments),
        missing=sum(one.grade is None for one in assessments),
        again=len({(e.query_id, e.document_id) for e in entries if e.attempt}),
        shortened=sum(one.shortened for one in assessments),
        asked=ledger.asked - before,
        tokens_in=sum(entry.tokens_in for entry in entries),
        tokens_out=sum(entry.tokens_out for entry in entries),
        seconds=round(seconds, 1),
        settings={**task.settings, **_jury(judge)},
        provenance=provenance(),
    )
    return Judged(assessments, said, write_source(task.out / "qrels", assessments, said))


@contextmanager
def going_on(ledger: Ledger) -> Iterator[None]:
    """Let a model's failure say what is kept, and how the run goes on.

    Raises:
        LLMUnavailable: as inside.
    """
    try:
        yield
    except LLMUnavailable as error:
        raise LLMUnavailable(
            f"{error}; {ledger.asked:,} replies of this run are kept in {ledger.file or 'memory'}: "
            "give the same command again to go on"
        ) from error


def _about(task: Task, judge: Assessor, ledger: Ledger) -> list[Entry]:
    """Return the ledger's entries about a task's pairs with this judge's prompts."""
    pairs = {(case.query_id, case.document_id) for case in task.cases}
    lineages = judge.lineages.values() if isinstance(judge, Jury) else [judge.lineage]
    prompts = {lineage.prompt for lineage in lineages}
    every = read_ledger(ledger.file) if ledger.file else []
    return [e for e in every if e.prompt in prompts and (e.query_id, e.document_id) in pairs]


def _jury(judge: Assessor) -> Mapping[str, object]:
    """Return the members of a jury with their weights and exams; nothing of a single judge."""
    if not isinstance(judge, Jury):
        return {}
    return {
        "members": {
            name: {
                "weight": round(judge.weights.get(name, 0.0), 4),
                "exam": judge.exams.get(name),
                "lineage": judge.lineages.get(name),
            }
            for name in judge.members
        }
    }


def fitted(judge: str, assessments: Sequence[Assessment], human: Qrels) -> Thresholds:
    """Return thresholds fitted on the pairs that people judged too.

    Raises:
        BadInput: they are too few.
    """
    pairs = [
        (one.score, human[one.query_id][one.document_id])
        for one in assessments
        if one.score is not None and one.document_id in human.get(one.query_id, {})
    ]
    return fit(judge, [score for score, _ in pairs], [grade for _, grade in pairs])
