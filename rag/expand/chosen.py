"""The best of several expansions, chosen by what searching with each finds.

LLM-QE (arXiv 2502.17057) trains a model with two rewards: the rank of the right document, and the
likeness to an answer written from it. Without training and without right documents, both rewards
can still choose among samples: what the plain search ranks first stands for the right documents.
The first reward alone would prefer what changes nothing, the second guards against that.
"""

import math
from collections.abc import Sequence

from rag.expand.asked import Asked
from rag.expand.corpus import candidates, plain_search
from rag.expand.generated import QUERY_WEIGHT, boosted
from rag.flows import Flow, Reply
from rag.rewrite.asking import asked as about
from rag.rewrite.asking import written
from rag.rewrite.passages import MOST_TOKENS, clean, samples, shown
from rag.terms import by_term
from rag.values import Branch, Candidate, Complete, SparseVector

_RELEVANT = 3  # chosen: the head of the plain search that stands for what is relevant
_READ = 5  # chosen: passages that the drafted answer is written from
_DEPTH = 10


def chosen(asked: Asked, count: int = 4) -> Flow[tuple[Branch, ...]]:
    """Return "bm25+llm-qe": five times the question, and the best of four passages.

    In one batch the question is searched for and the passages are drawn at temperature 1; in the
    next, each is searched with and an answer is drafted from what the plain search found. The
    passage whose places by the two rewards (`agreement`, `likeness`) have the lowest sum is taken,
    the first drawn of equal ones. A sole passage, or the first where the plain search finds
    nothing, is taken without the second batch.
    """
    prompt = about("passage", asked.text)
    first = yield (
        plain_search(asked.text, _DEPTH),
        *samples(prompt, count, 1.0, asked.seed),
    )
    best = candidates(first)
    drawn = tuple(dict.fromkeys(clean(asked.text, written(first))))
    if len(drawn) > 1 and best:
        drawn = ((yield from _best(asked, drawn, best)),)
    return boosted("llm-qe", asked, QUERY_WEIGHT, drawn[:1])


def _best(asked: Asked, drawn: Sequence[str], best: Sequence[Candidate]) -> Flow[str]:
    """Return the passage with the lowest sum of places by both rewards."""
    drafting = about("draft_answer", asked.text, passages=shown(best[:_READ]))
    repeated = f"{asked.text} " * int(QUERY_WEIGHT)
    searches = [plain_search(repeated + passage, _DEPTH) for passage in drawn]
    draft, *results = yield (Complete(drafting, MOST_TOKENS), *searches)
    relevant = [candidate.chunk.id for candidate in best[:_RELEVANT]]
    agreements = [agreement(relevant, _ids(result)) for result in results]
    answer = " ".join(clean(asked.text, written([draft])))
    vectors = [asked.sparse.document(text, asked.mean_length) for text in (answer, *drawn)]
    likenesses = [likeness(vectors[0], vector) for vector in vectors[1:]]
    sums = [one + other for one, other in zip(places(agreements), places(likenesses), strict=True)]
    return drawn[sums.index(min(sums))]


def agreement(relevant: Sequence[str], ranking: Sequence[str]) -> float:
    """Return the mean reciprocal rank of the relevant ids, 0 for one that is not there.

    >>> agreement(["a", "b"], ["b", "c"]), agreement([], ["a"])
    (0.5, 0.0)
    """
    rank = {id_: i for i, id_ in enumerate(ranking, start=1)}
    return math.fsum(1 / rank[id_] for id_ in relevant if id_ in rank) / max(1, len(relevant))


def likeness(one: SparseVector, other: SparseVector) -> float:
    """Return the cosine of two sparse vectors, 0 where one is empty.

    >>> likeness(SparseVector((1, 2), (3.0, 4.0)), SparseVector((2, 5), (1.0, 0.0)))
    0.8
    """
    ours, theirs = by_term(one), by_term(other)
    product = math.fsum(weight * theirs[id_] for id_, weight in ours.items() if id_ in theirs)
    lengths = math.hypot(*ours.values()) * math.hypot(*theirs.values())
    return product / lengths if lengths else 0.0


def places(rewards: Sequence[float]) -> tuple[int, ...]:
    """Return how many rewards are higher than each.

    >>> places([0.5, 0.9, 0.5])
    (1, 0, 1)
    """
    return tuple(sum(other > reward for other in rewards) for reward in rewards)


def _ids(reply: Reply) -> list[str]:
    return [candidate.chunk.id for candidate in candidates([reply])]
