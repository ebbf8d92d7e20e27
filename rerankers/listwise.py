"""Listwise ranking by writing: the model writes a window's permutation.

RankGPT (Sun et al., EMNLP 2023, arXiv 2304.09542) in RankZephyr's single-turn format (Pradeep et
al., arXiv 2312.02724). It costs a token or more per passage where FIRST costs one pass, and replies
can be malformed; a server that reports no probabilities leaves no other way.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.flows import Reply
from rag.values import Complete, Completed, Frozen, Message, Prompt
from rerankers.asking import Asked, sole
from rerankers.first import SYSTEM, ranking_turn
from rerankers.lettering import LETTERS
from rerankers.ordering import Window
from rerankers.permutations import parse_permutation

_MARKS = 4  # tokens around an identifier, "[", "]", " >", " [": each may be one of its own
_MARGIN = 16  # chosen: tokens for a few words of introduction
_CLOSES = re.compile(r"[^\[\]]*\]")


@dataclass(frozen=True, slots=True)
class Listwise(Frozen):
    """Lets the model write the ranking of a window.

    `forced` says that the assistant's turn can be begun, with the "[" of the first identifier,
    which leaves no room for an introduction or a refusal. Identifiers are numbers, or letters if
    `letters`. `top` asks for the best so many only (0: all); the others stay tied behind them.

    Raises:
        ValueError: from `requests`, where the window has more passages than there are letters.
    """

    query: str
    passages: Sequence[str]
    forced: bool = True
    letters: bool = False
    top: int = 0

    def requests(self, window: Window) -> tuple[Complete]:
        """Return the one question: write the ranking."""
        tokens = self._wanted(window) * (len(str(len(window))) + _MARKS) + _MARGIN
        return (Complete(self._prompt(window), tokens),)

    def read(self, window: Window, replies: Sequence[Reply]) -> Asked:
        """Return the passages as written; those that were not named are tied behind the others."""
        text = sole(replies, Completed).text
        if _CLOSES.match(text):
            text = f"[{text}"  # the bracket that was begun for it
        said = parse_permutation(text, len(window), self.letters, self._wanted(window))
        order = tuple(window[place] for place in said.order)
        named = tuple((i,) for i in order[: said.named])
        tied = (order[said.named :],) if order[said.named :] else ()
        return Asked((*named, *tied), said.missing, int(said.malformed))

    def _wanted(self, window: Window) -> int:
        return min(self.top or len(window), len(window))

    def _prompt(self, window: Window) -> Prompt:
        labels = self._labels(len(window))
        ending = _ALL if self._wanted(window) == len(window) else _TOP
        example = f"[{labels[1]}] > [{labels[0]}]" if len(labels) > 1 else f"[{labels[0]}]"
        asked = ranking_turn(
            self.query,
            labels,
            [self.passages[i] for i in window],
            ending.format(n=len(window), wanted=self._wanted(window), example=example),
        )
        begun = (Message("assistant", "["),) if self.forced else ()
        return (Message("system", SYSTEM), Message("user", asked), *begun)

    def _labels(self, n: int) -> Sequence[str]:
        if not self.letters:
            return [str(number) for number in range(1, n + 1)]
        if n > len(LETTERS):
            raise ValueError(f"a window of {n} passages has no letters: use numbers")
        return LETTERS[:n]


_ALL = (
    "Rank all {n} passages above, the most relevant first. Name every identifier exactly once, in "
    "the form {example}. Write the ranking only, without any explanation."
)
_TOP = (
    "Of the {n} passages above, rank the {wanted} most relevant, the best first. Name each of "
    "their identifiers once, in the form {example}. Write the ranking only, without any "
    "explanation."
)
