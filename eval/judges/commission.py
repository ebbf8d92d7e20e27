"""What `firstcite eval judge` does: pairs read, a judge or a jury asked, judgments written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.data.collection import read_qrels
from eval.data.qrels import QrelsJudge
from eval.experiments.record import Lineage
from eval.judges.calibration import Thresholds, read_thresholds, write_thresholds
from eval.judges.judge import Assessor, Room
from eval.judges.judging import Judged, Task, fitted, going_on, run
from eval.judges.jury import qualified, weighed
from eval.judges.ledger import Ledger
from eval.judges.methods import JUDGES
from eval.judges.opening import make_judge, room_of
from eval.judges.places import Place, Wanted, note, places
from eval.judges.sources import read_provenance
from rag.errors import BadInput
from rag.seams import LLM, Judge
from rag.settings import Settings
from rag.showing import Show
from rag.values import Frozen
from rag.wiring import open_llm

JURY = "jury"


@dataclass(frozen=True, slots=True)
class Commission(Frozen):
    """What is wanted of whom.

    Args:
        judge: a name of `JUDGES`, or "jury".
        wanted: which pairs.
        out: folder for judgments; None for a record, which gets its own.
        source: name of the qrels; by default the judge's.
        members: of a jury: judges by name, or files of qrels that other models made.
        thresholds: file of fitted ones.
        fit: file to fit them into.
        passage_tokens: the most that is read of a document.
    """

    judge: str
    wanted: Wanted
    out: Path | None = None
    source: str = ""
    members: tuple[str, ...] = ()
    thresholds: Path | None = None
    fit: Path | None = None
    passage_tokens: int = Room().passage_tokens


async def carry_out(
    folder: Path, commission: Commission, settings: Settings, show: Show
) -> tuple[Judged, ...]:
    """Judge the pairs of a BEIR folder or of a record, and return what was said of each place.

    Places without pairs are left out.

    Raises:
        BadCollection: what is to be judged cannot be read.
        BadInput: an option that does not fit.
        LLMUnavailable: the model failed; the same command goes on where it was ended.
    """
    _check(commission)
    found = [p for p in places(folder, commission.wanted, commission.out) if p.cases]
    judged: dict[str, Judged] = {}
    if not found:
        return ()
    llm = await open_llm(settings)
    try:
        with Ledger((commission.out or folder) / "ledger.jsonl") as ledger:
            room = room_of(settings, commission.passage_tokens)
            for place in found:
                with going_on(ledger):  # members of a jury are asked here already
                    judge = await _judge(commission, place, llm, ledger, room, show)
                judged[place.name] = await run(_task(commission, place, room), judge, ledger)
                if commission.fit:
                    said = judged[place.name].assessments
                    write_thresholds(fitted(commission.judge, said, place.human), commission.fit)
    finally:
        await llm.close()
    source = commission.source or commission.judge
    lineages = {name: one.provenance.lineage for name, one in judged.items()}
    note(folder, source, lineages, {k: one.provenance.failed for k, one in judged.items()})
    return tuple(judged.values())


def _check(commission: Commission) -> None:
    name = commission.judge
    if name not in (*JUDGES, JURY):
        raise BadInput(f"there is no judge '{name}': choose one of {', '.join((*JUDGES, JURY))}")
    if commission.members and name != JURY:
        raise BadInput("--member names members of a jury: add --judge jury")
    if commission.fit and not (name in JUDGES and JUDGES[name].thresholds):
        raise BadInput(f"the judge {name} has no thresholds to --fit: criteria and expected have")


def _task(commission: Commission, place: Place, room: Room) -> Task:
    thresholds = _thresholds(commission)
    settings: dict[str, object] = {
        "passage_tokens": room.passage_tokens,
        "query_tokens": room.query_tokens,
        "thresholds": thresholds.least if thresholds else None,
        "runs": [file.name for file in commission.wanted.runs],
        "depth": commission.wanted.depth if place.kind == "holes" else None,
        "limit": commission.wanted.limit,
        "exam_pairs": [(case.query_id, case.document_id) for case, _ in place.exam],
    }
    return Task(
        commission.source or commission.judge,
        commission.judge,
        place.kind,
        place.name,
        place.split,
        place.cases,
        place.out,
        {name: value for name, value in settings.items() if value},
    )


async def _judge(
    commission: Commission, place: Place, llm: LLM, ledger: Ledger, room: Room, show: Show
) -> Assessor:
    if commission.judge != JURY:
        thresholds = _thresholds(commission)
        return make_judge(commission.judge, llm, ledger, thresholds, room, show)
    members, lineages = _members(commission.members, llm, ledger, room, show)
    if place.exam:
        return await qualified(members, lineages, place.exam)
    return await weighed(members, lineages, place.cases)


def _members(
    names: Sequence[str], llm: LLM, ledger: Ledger, room: Room, show: Show
) -> tuple[Mapping[str, Judge], Mapping[str, Lineage]]:
    """Return the members of a jury and who they are; a file's name is read as qrels."""
    members: dict[str, Judge] = {}
    lineages: dict[str, Lineage] = {}
    for name in names or ("graded", "two-step", "expected"):
        if name.endswith(".tsv"):
            file = Path(name)
            members[file.stem] = QrelsJudge(read_qrels(file))
            lineages[file.stem] = read_provenance(file.with_suffix(".json")).lineage
        else:
            judge = make_judge(name, llm, ledger, None, room, show)
            members[name], lineages[name] = judge, judge.lineage
    return members, lineages


def _thresholds(commission: Commission) -> Thresholds | None:
    return (
        read_thresholds(commission.thresholds, commission.judge) if commission.thresholds else None
    )
