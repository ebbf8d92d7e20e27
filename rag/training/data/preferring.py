"""Preferences between what a model writes for a query: which helps search more.

The rewards are those of LLM-QE (arXiv 2502.17057): the rank at which the right documents are found,
and the likeness to an answer written from them, which guards against texts that only please the
first; and RaFe's (arXiv 2405.14431), what a reranker thinks of what is found, which needs no label.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rag.expand.chosen import agreement, places
from rag.expand.generated import QUERY_WEIGHT
from rag.flows import Flow
from rag.outside.words import content
from rag.rewrite.asking import asked, written
from rag.rewrite.checks import checked
from rag.rewrite.passages import MOST_TOKENS, clean
from rag.training.data.finding import Find
from rag.training.data.shelf import Made
from rag.training.values import Preference
from rag.values import Complete, Frozen, Prompt

DEPTH = 20  # chosen: how far down a document counts as found

Reward: TypeAlias = Callable[[str, str], Awaitable[float]]
"""Takes a query and a text written for it, "" for none; the higher, the better."""


@dataclass(frozen=True, slots=True)
class Kind(Frozen):
    """A text that is written for a query: its prompt, and what of it may be searched with."""

    prompt: Callable[[str], Prompt]
    usable: Callable[[str, Sequence[str]], Sequence[str]]
    tokens: int


KINDS: Mapping[str, Kind] = {
    "passage": Kind(lambda query: asked("passage", query), clean, MOST_TOKENS),
    "keywords": Kind(
        lambda query: asked("keywords", query, most="20"),
        lambda query, replies: checked(query, replies, most=1, anchored=False),
        128,
    ),
    "search-queries": Kind(
        lambda query: asked("search_queries", query, most="1"),
        lambda query, replies: checked(query, replies, most=1),
        32,
    ),
}
"""What can be trained, as expansions ask for it: query2doc, hyde, mugi and llm-qe; keywords; and
Rewrite-Retrieve-Read's queries."""


def drawn(query: str, kind: Kind, count: int, seed: int = 0) -> Flow[tuple[str, ...]]:
    """Return the texts that can be used among so many drawn at temperature 1, none twice."""
    prompt = kind.prompt(query)
    replies = written((yield [Complete(prompt, kind.tokens, 1.0, seed + i) for i in range(count)]))
    return tuple(dict.fromkeys(one for r in replies for one in kind.usable(query, [r])[:1]))


def by_rank(find: Find, relevant: Mapping[str, Sequence[str]]) -> Reward:
    """Return the reward of finding a query's relevant documents early.

    A text is searched with as `bm25+query2doc` does: beside the query, five times.
    """

    async def reward(query: str, text: str) -> float:
        whole = " ".join([*[query] * int(QUERY_WEIGHT), text]) if text else query
        found = await find(whole, DEPTH)
        return agreement(relevant[query], [one.id for one in found])

    return reward


def by_answer(answers: Mapping[str, str]) -> Reward:
    """Return the reward of saying what an answer says: F1 of their content words."""

    async def reward(query: str, text: str) -> float:
        ours, theirs = content(text), content(answers.get(query, ""))
        common = len(ours & theirs)
        return 2 * common / (len(ours) + len(theirs)) if common else 0.0

    return reward


def by_reranker(find: Find, rate: Callable[[str, Sequence[str]], Awaitable[float]]) -> Reward:
    """Return the reward of finding what a reranker likes for the query itself."""

    async def reward(query: str, text: str) -> float:
        found = await find(f"{query} {text}".strip(), DEPTH)
        return await rate(query, [one.text for one in found]) if found else float("-inf")

    return reward


async def preferred(
    id_: str, query: str, texts: Sequence[str], kind: Kind, rewards: Sequence[Reward]
) -> Made[Preference]:
    """Return the best text before the worst, by the sum of their places under all rewards."""
    if len(texts) < 2:
        return Made((), "fewer than two texts that can be used")
    told = [[await reward(query, text) for text in texts] for reward in rewards]
    sums = [sum(of) for of in zip(*map(places, told), strict=True)]
    best, worst = sums.index(min(sums)), sums.index(max(sums))
    if sums[best] == sums[worst]:
        return Made((), "texts that are equally good")
    plain = await rewards[0](query, "")
    pair = (told[0][best], told[0][worst])
    chosen, rejected = texts[best], texts[worst]
    return Made((Preference(id_, query, kind.prompt(query), chosen, rejected, pair, plain),))
