"""FIRST: a window's ranking from the probabilities of the letter that would be written first.

Reddy et al., EMNLP 2024 (arXiv 2406.15657): a listwise prompt labels the passages A, B, …; the
ranking that the model would write begins with "[", so the probability of each letter as the next
token ranks them all, in one pass and without writing anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rag.flows import Reply
from rag.values import Choose, Chosen, Frozen, Message, Prompt
from rerankers.asking import Asked, sole
from rerankers.lettering import check_size, lettered, read_letters
from rerankers.ordering import Window

SYSTEM = "You are a careful assistant that ranks passages by their relevance to a query."


@dataclass(frozen=True, slots=True)
class First(Frozen):
    """Asks for the first letter of a window's ranking.

    `forced` says that the assistant's turn can be begun, with the "[" before the letter; otherwise
    the bare letter of the best passage is asked for. `size` is the most passages of a window;
    `prior` as in `read_letters`, measured for windows of this size. `late` names the query behind
    the passages alone: training asks many queries of one window, which is then read once.

    Raises:
        ValueError: there is no letter, or no prior, for every passage of a window.
    """

    query: str
    passages: Sequence[str]
    forced: bool = True
    size: int = 20
    prior: tuple[float, ...] = ()
    late: bool = False

    def __post_init__(self) -> None:
        check_size(self.size, self.prior)

    def requests(self, window: Window) -> tuple[Choose]:
        """Return the one question: which letter comes first?"""
        letters = lettered(window, self.size)
        shown = [self.passages[i] for i in window]
        return (Choose(self._prompt(letters, shown), tuple(letters)),)

    def read(self, window: Window, replies: Sequence[Reply]) -> Asked:
        """Return the passages by their letters' probabilities."""
        return read_letters(window, sole(replies, Chosen), self.prior)

    def _prompt(self, letters: str, shown: Sequence[str]) -> Prompt:
        ending = _RANKED if self.forced else _BEST
        asked = ranking_turn(self.query, letters, shown, ending, _LATE if self.late else _EARLY)
        begun = (Message("assistant", "["),) if self.forced else ()
        return (Message("system", SYSTEM), Message("user", asked), *begun)


_EARLY = "this query: {query}"
_LATE = "the query that follows them."


def ranking_turn(
    query: str, labels: Sequence[str], shown: Sequence[str], ending: str, aim: str = _EARLY
) -> str:
    """Return the question of a listwise prompt: what to do, the passages, what to write.

    The structure is RankZephyr's and FIRST's (both parts name the query), the words are ours.
    `ending` may name {n}, how many passages there are, and `aim` the {query}.
    """
    lines = [f"[{label}] {text}" for label, text in zip(labels, shown, strict=True)]
    lead = (
        f"Here are {len(lines)} passages, each with its label in square brackets. "
        f"Rank them by how relevant they are to {aim.format(query=query)}"
    )
    closing = f"The query: {query}\n{ending.format(n=len(lines))}"
    return "\n".join([lead, "", *lines, "", closing])


_RANKED = (
    "Rank all {n} passages above, the most relevant first. Name every label exactly once, in the "
    "form [B] > [A]. Write the ranking only, without any explanation."
)
_BEST = (
    "Which of the {n} passages above is the most relevant to the query? Write its letter only, "
    "without brackets and without any explanation."
)
