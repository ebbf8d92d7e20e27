"""A run of the judge that compares: preferences, an order per query, and how steady it was.

```
OUT/preferences.jsonl     a `Preferred` a line
OUT/preferences.json      `Summary`
OUT/runs/pairwise.trec    each query's order
```
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from eval.data.collection import Qrels
from eval.data.runs import ScoredDocument, write_run
from eval.experiments.record import Lineage
from eval.judges.judge import Room
from eval.judges.judging import going_on
from eval.judges.ledger import Ledger, Page
from eval.judges.opening import room_of
from eval.judges.pairs import Pair
from eval.judges.places import Place, Wanted, places
from eval.judges.preferring import PROMPT, PairwiseJudge, Preference, Preferred
from eval.provenance import provenance
from rag.seams import LLM
from rag.settings import Settings
from rag.showing import Show
from rag.values import Frozen
from rag.wiring import open_llm

PAIRWISE = "pairwise"


@dataclass(frozen=True, slots=True)
class Summary(Frozen):
    """How a judge preferred.

    Args:
        lineage: who it is.
        collection: whose documents were compared.
        queries: with preferences.
        pairs: compared; `missing` of them have no valid answer.
        consistent: share of valid ones on which both orders agree (position consistency).
        first: share of valid ones in which the passage shown first won in both orders.
        compared: valid ones between documents to which people gave different grades.
        agreed: share of those in which the better grade was preferred.
        asked: questions to the model in the last run; the others were in the ledger.
        seconds: of the last run.
        provenance: what `eval.provenance` says.
    """

    lineage: Lineage
    collection: str
    queries: int
    pairs: int
    missing: int
    consistent: float
    first: float
    compared: int
    agreed: float
    asked: int
    seconds: float
    provenance: Mapping[str, object] = field(default_factory=dict)


async def compare(
    folder: Path, wanted: Wanted, out: Path, settings: Settings, passage_tokens: int, show: Show
) -> Summary:
    """Compare the documents of each query of a BEIR folder, and write what came out.

    Raises:
        BadCollection: what is to be compared cannot be read.
        BadInput: the folder is a record.
        LLMUnavailable: the model failed; the same command goes on where it was ended.
    """
    (place,) = places(folder, wanted, out)
    llm = await open_llm(settings)
    try:
        with Ledger(out / "ledger.jsonl") as ledger, going_on(ledger):
            began = time.monotonic()
            found = await judge_of(llm, ledger, room_of(settings, passage_tokens), show).prefer(
                place.cases
            )
            seconds = time.monotonic() - began
            said = summary(place, found, lineage_of(llm), ledger.asked, seconds)
    finally:
        await llm.close()
    _write(out, found, said)
    return said


def lineage_of(llm: LLM) -> Lineage:
    """Return who compares."""
    return Lineage("judge", llm.spec.family, llm.spec.name, PROMPT)


def judge_of(llm: LLM, ledger: Ledger, room: Room, show: Show) -> PairwiseJudge:
    """Return the judge that compares, asking a model."""
    page = Page(ledger, PAIRWISE, PROMPT, llm.spec.fingerprint or llm.spec.name)
    return PairwiseJudge(llm, page, room, show)


def summary(
    place: Place, found: Sequence[Preferred], lineage: Lineage, asked: int, seconds: float
) -> Summary:
    """Return how a judge preferred, beside people's grades."""
    every = [one for preferred in found for one in preferred.preferences]
    valid = [one for one in every if one.margin is not None]
    agreed = [agrees for one in valid if (agrees := _agrees(one, place.human)) is not None]
    return Summary(
        lineage,
        place.name,
        queries=len(found),
        pairs=len(every),
        missing=len(every) - len(valid),
        consistent=_share([one.consistent for one in valid]),
        first=_share([one.leans[0] > 0 and one.leans[1] > 0 for one in valid]),
        compared=len(agreed),
        agreed=_share(agreed),
        asked=asked,
        seconds=round(seconds, 1),
        provenance=provenance(),
    )


def _agrees(one: Preference, human: Qrels) -> bool | None:
    """Whether the document with the better grade is preferred; None where none has a better one."""
    grades = human.get(one.query_id, {})
    pair: Pair = (one.document_id, one.other_id)
    if one.margin is None or not all(document in grades for document in pair):
        return None
    better = grades[one.document_id] - grades[one.other_id]
    return None if better == 0 else one.margin * better > 0


def _share(found: Sequence[bool]) -> float:
    return round(sum(found) / len(found), 4) if found else 0.0


def _write(out: Path, found: Sequence[Preferred], said: Summary) -> None:
    lines = b"".join(msgspec.json.encode(one) + b"\n" for one in found)
    (out / "preferences.jsonl").write_bytes(lines)
    (out / "preferences.json").write_bytes(msgspec.json.format(msgspec.json.encode(said)) + b"\n")
    (out / "runs").mkdir(exist_ok=True)
    ranked = {one.query_id: [ScoredDocument(d, s) for d, s in one.order] for one in found}
    write_run(out / "runs" / f"{PAIRWISE}.trec", ranked, PAIRWISE)
