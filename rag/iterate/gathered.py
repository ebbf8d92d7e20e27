"""What an iteration has found, and the frame in which every one of them runs.

The first thing is always a plain search for the question. From then on an error that is thrown in
(no budget, no time, the model or the store failed) ends the flow with what it has.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from rag.errors import BudgetExceeded, DeadlineExceeded, RagError
from rag.flows import Flow
from rag.iterate.merge import merged
from rag.iterate.queries import fault
from rag.outside.harmless import harmless
from rag.outside.size import shortened
from rag.outside.words import same
from rag.values import Candidate, Frozen, Search, Searched

Stop: TypeAlias = Literal["sufficient", "rounds", "nothing new", "budget", "failed", "answered"]
"""Why an iteration ended.

"sufficient": the check said that what was found is enough. "rounds": everything was done that was
to be done. "nothing new": the last search brought nothing, or there was nothing new to search for.
"budget": calls, tokens, searches or time were spent. "failed": the model or the store failed, or
the model wrote nothing that may be searched with. "answered": the model came to an answer.
"""

Check: TypeAlias = Callable[[str, Sequence[Candidate]], Flow[bool]]
"""Says whether what was found is enough to answer the question: no further round runs."""

ASIDE = 0.25  # chosen: the first of what is set aside stands beside the fourth of the rest
_SHOWN = 60  # size of a text that stands in a step


@dataclass(frozen=True, slots=True)
class Step(Frozen):
    """One thing an iteration did: the text, why, and how many chunks nobody had found before."""

    text: str
    why: str
    new: int = 0


@dataclass(frozen=True, slots=True)
class Gathered(Frozen):
    """What an iteration found: every chunk once, best first (`rag.iterate.merge.merged`)."""

    candidates: tuple[Candidate, ...]
    steps: tuple[Step, ...]
    stopped: Stop


class Trail:
    """What one run of an iteration has so far: all that is left of it when an error ends it."""

    def __init__(self, question: str, k: int) -> None:
        self.question = question
        self.k = k
        self.steps: list[Step] = []
        self._rankings: list[tuple[Candidate, ...]] = []
        self._weights: list[float] = []
        self._asked = {same(question)}

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Return everything that was found."""
        return merged(self._rankings, self._weights)

    @property
    def read(self) -> tuple[Candidate, ...]:
        """Return what the model may read: all but what was set aside."""
        pairs = zip(self._rankings, self._weights, strict=True)
        return merged([ranking for ranking, weight in pairs if weight > ASIDE])

    @property
    def last(self) -> tuple[Candidate, ...]:
        """Return what the last search found."""
        return self._rankings[-1]

    def note(self, text: str, why: str, new: int = 0) -> None:
        """Add a step, its text short and harmless."""
        self.steps.append(Step(shortened(harmless(text), _SHOWN), why, new))

    def check(self, query: str, text: str | None = None) -> Stop | None:
        """Return None where a query may be searched, or why the flow ends if no other may.

        A query may be searched once. `text` is the part of it that the model wrote, if not all.
        """
        why = fault(query if text is None else text, self.question, self.read)
        if why:
            self.note(query, f"not searched: {why}")
            return "failed"
        if same(query) in self._asked:
            self.note(query, "not searched: it was searched before")
            return "nothing new"
        self._asked.add(same(query))
        return None

    def look(self, queries: Sequence[str]) -> Flow[tuple[tuple[Candidate, ...], ...]]:
        """Search for all queries at once and return what each found; nothing is kept yet."""
        replies = yield [Search(query, self.k) for query in queries]
        return tuple(reply.candidates for reply in cast("Sequence[Searched]", replies))

    def keep(
        self, query: str, why: str, ranking: tuple[Candidate, ...], *, aside: bool = False
    ) -> int:
        """Keep what was found and return how many of the chunks are new.

        What is set aside has less weight, and the model does not read it.
        """
        known = {one.chunk.id for kept in self._rankings for one in kept}
        new = len({one.chunk.id for one in ranking} - known)
        self._rankings.append(ranking)
        self._weights.append(ASIDE if aside else 1.0)
        self.note(query, why, new)
        return new

    def search(self, queries: Sequence[str], why: str) -> Flow[int]:
        """Search for all queries at once, keep what they found, return how many chunks are new."""
        found = yield from self.look(queries)
        return sum(
            self.keep(*one) for one in zip(queries, [why] * len(queries), found, strict=True)
        )

    def enough(self, check: Check | None) -> Flow[bool]:
        """Return whether the check says that what was found is enough; no check says no."""
        if check is None:
            return False
        enough = yield from check(self.question, self.read)
        self.note(self.question, f"enough was found: {'yes' if enough else 'no'}")
        return enough


def gathering(question: str, further: Callable[[Trail], Flow[Stop]], k: int) -> Flow[Gathered]:
    """Search for the question, then do what `further` does, and return what was found.

    Args:
        question: as it stands for itself.
        further: the rounds after the first search; it lets errors through.
        k: chunks per search.

    Raises:
        RagError: the first search failed.
    """
    trail = Trail(question, k)
    yield from trail.search([question], "the question")
    stopped: Stop
    try:
        stopped = yield from further(trail)
    except RagError as error:
        spent = isinstance(error, BudgetExceeded | DeadlineExceeded)
        stopped = "budget" if spent else "failed"
        trail.note("", f"ended: {error}")
    return Gathered(trail.candidates, tuple(trail.steps), stopped)
