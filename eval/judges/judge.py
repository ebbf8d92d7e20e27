"""A judge that asks a language model: cases in, grades out, every reply in the ledger."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from eval.experiments.record import Lineage
from eval.judges.ledger import Page
from eval.judges.steps import Grader, settled
from rag.flows import Budget, drive
from rag.llms.remote.wire import together
from rag.outside.harmless import harmless
from rag.seams import LLM
from rag.showing import Show, silent
from rag.values import Case, Frozen, Judgment, Message
from rerankers.passages import EMPTY, shortened

UNBOUNDED = Budget(calls=float("inf"))


@dataclass(frozen=True, slots=True)
class Room(Frozen):
    """How much is read of texts, and how many cases are asked about at the same time.

    Args:
        query_tokens: the most that is read of a query, in the model's tokens.
        passage_tokens: the most that is read of a document: its first sentences.
        together: cases in a batch; those of one query share the beginning of their prompts.
        lanes: batches under way at the same time. What is under way when the process is killed is
            all that is asked again.
    """

    query_tokens: int = 64
    passage_tokens: int = 256
    together: int = 16
    lanes: int = 1


@dataclass(frozen=True, slots=True)
class Assessment(Frozen):
    """What a judge says about one case: more than the grade (`steps.Graded`).

    `shortened` where not all of the document was read.
    """

    query_id: str
    document_id: str
    grade: int | None
    score: float | None = None
    parts: Mapping[str, float] = field(default_factory=dict)
    shortened: bool = False

    @property
    def judgment(self) -> Judgment:
        """The grade alone."""
        return Judgment(self.query_id, self.document_id, self.grade)


class Assessor(Protocol):
    """A `Judge` that says who it is, and what its grades were made from."""

    @property
    def lineage(self) -> Lineage:
        """Who the judge is."""
        ...

    async def assess(self, cases: Sequence[Case]) -> tuple[Assessment, ...]:
        """Return what the judge says about each case, in order."""
        ...

    async def judge(self, cases: Sequence[Case]) -> tuple[Judgment, ...]:
        """Return one judgment per case, in order; grade None where there is no valid one."""
        ...


class AskedJudge:
    """Asks a model about cases, many at the same time, and keeps every reply.

    Raises (`assess`, `judge`):
        LLMUnavailable: the model fails; what it said before is in the ledger.
    """

    def __init__(
        self,
        lineage: Lineage,
        grader: Grader,
        llm: LLM,
        page: Page,
        room: Room,
        show: Show = silent,
    ) -> None:
        self.lineage = lineage
        self._grader = grader
        self._llm = llm
        self._page = page
        self._room = room
        self._show = show

    async def judge(self, cases: Sequence[Case]) -> tuple[Judgment, ...]:
        """Return one judgment per case, in order; grade None where there is no valid one."""
        return tuple(one.judgment for one in await self.assess(cases))

    async def assess(self, cases: Sequence[Case]) -> tuple[Assessment, ...]:
        """Return what the judge says about each case, in order."""
        size = self._room.together
        order = sorted(range(len(cases)), key=lambda i: cases[i].query_id)
        batches = (order[start : start + size] for start in range(0, len(order), size))
        found: dict[int, Assessment] = {}
        shorten = Shortener(self._llm, self._room)

        async def lane(batches: Iterator[list[int]]) -> None:
            for batch in batches:
                short = [shorten(cases[i]) for i in batch]
                flow = settled(short, self._grader, self._page)
                said = (await drive(flow, self._llm, UNBOUNDED)).result
                for i, shown, one in zip(batch, short, said, strict=True):
                    cut = shorten.cuts(cases[i], shown)
                    ids = (cases[i].query_id, cases[i].document_id)
                    found[i] = Assessment(*ids, one.grade, one.score, one.parts, cut)
                self._show("judge", len(found), len(cases))

        await together([lane(batches) for _ in range(self._room.lanes)])
        return tuple(found[i] for i in range(len(cases)))


class Shortener:
    """Makes a case's texts harmless, and short enough in the model's own tokens."""

    def __init__(self, llm: LLM, room: Room) -> None:
        self._llm = llm
        self._room = room
        self._empty = llm.count_tokens((Message("user", ""),))

    def __call__(self, case: Case) -> Case:
        """Return the case as prompts hold it."""
        query = shortened(harmless(case.query), self._room.query_tokens, self._count)
        text = shortened(harmless(case.text), self._room.passage_tokens, self._count)
        return replace(case, query=query or EMPTY, text=text or EMPTY)

    def cuts(self, case: Case, short: Case) -> bool:
        """Whether a document lost its end."""
        return short.text not in (harmless(case.text), EMPTY)

    def _count(self, text: str) -> int:
        return self._llm.count_tokens((Message("user", text),)) - self._empty
