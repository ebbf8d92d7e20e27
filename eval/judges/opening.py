"""Judges with the language model of the settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from eval.experiments.record import Lineage
from eval.judges.calibration import ROUNDED, Thresholds
from eval.judges.judge import AskedJudge, Room
from eval.judges.jury import Jury
from eval.judges.ledger import Ledger, Page
from eval.judges.methods import JUDGES
from eval.judges.sources import Provenance
from rag.errors import BadInput
from rag.seams import LLM
from rag.settings import Settings
from rag.showing import Show
from rag.wiring import open_llm


def _silent(_stage: str, _done: int, _total: int) -> None:
    pass


@asynccontextmanager
async def open_judge(
    name: str,
    settings: Settings,
    ledger: Ledger | None = None,
    thresholds: Thresholds | None = None,
    passage_tokens: int = Room().passage_tokens,
    show: Show = _silent,
) -> AsyncIterator[AskedJudge]:
    """Give the judge of that name, asking the settings' model, which is closed afterwards.

    Args:
        name: of a row of `JUDGES`.
        settings: whose language model, and how many requests at the same time.
        ledger: where replies are kept; by default in memory.
        thresholds: fitted ones; by default the judge's own.
        passage_tokens: the most that is read of a document.
        show: told about progress.

    Raises:
        BadInput: there is no such judge, or it takes no thresholds.
        RagError: as `rag.wiring.open_llm`.
    """
    check(name, thresholds)
    llm = await open_llm(settings)
    try:
        room = room_of(settings, passage_tokens)
        yield make_judge(name, llm, ledger or Ledger(), thresholds, room, show)
    finally:
        await llm.close()


def make_judge(
    name: str,
    llm: LLM,
    ledger: Ledger,
    thresholds: Thresholds | None = None,
    room: Room | None = None,
    show: Show = _silent,
) -> AskedJudge:
    """Return the judge of that name, asking a model.

    Raises:
        BadInput: as `open_judge`.
    """
    check(name, thresholds)
    row, spec = JUDGES[name], llm.spec
    lineage = Lineage("judge", spec.family, spec.name, row.hash)
    page = Page(ledger, name, row.hash, spec.fingerprint or spec.name)
    grader = row.grader(thresholds or row.thresholds or ROUNDED)
    return AskedJudge(lineage, grader, llm, page, room or Room(), show)


def make_jury(said: Provenance, llm: LLM, ledger: Ledger, room: Room | None = None) -> Jury:
    """Return the jury of such qrels, with the weights that it had, asking a model.

    Raises:
        BadInput: they are no jury's, or another model answered for one of its members.
    """
    of = said.settings.get("members")
    if said.judge != "jury" or not isinstance(of, dict):
        raise BadInput(f"{said.source} was judged by {said.judge}, which is no jury")
    weights = {name: float(member["weight"]) for name, member in of.items()}
    serving = {name: of[name]["lineage"] for name, weight in weights.items() if weight > 0}
    for name, lineage in serving.items():
        if name not in JUDGES or lineage["model"] != llm.spec.name:
            raise BadInput(
                f"{name} of this jury is {lineage['model']}, and {llm.spec.name} would be asked: "
                "probe the members of several models one by one, each with its own"
            )
    members = {name: make_judge(name, llm, ledger, None, room) for name in serving}
    return Jury(members, weights, {name: judge.lineage for name, judge in members.items()})


def room_of(settings: Settings, passage_tokens: int) -> Room:
    """Return how much is asked at once: of a server one case per request, of a local model many.

    A server's replies come one by one, and each is kept when it comes.
    """
    if settings.llm.url:
        return Room(passage_tokens=passage_tokens, together=1, lanes=settings.llm.concurrency)
    return Room(passage_tokens=passage_tokens)


def check(name: str, thresholds: Thresholds | None) -> None:
    """Pass where a judge is known and takes the thresholds.

    Raises:
        BadInput: else.
    """
    if name not in JUDGES:
        raise BadInput(f"there is no judge '{name}': choose one of {', '.join(JUDGES)}")
    if thresholds and not JUDGES[name].thresholds:
        can = ", ".join(known for known, row in JUDGES.items() if row.thresholds)
        raise BadInput(f"the judge {name} names its grade and takes no thresholds; {can} do")
