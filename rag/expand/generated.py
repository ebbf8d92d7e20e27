"""Expansions by what a model writes from memory: passages, keywords and other queries.

Lexical branches gain most: a passage is worth some points of nDCG@10 to BM25, little to a strong
dense encoder. Every expansion returns branches beside those of the question, which stay; where the
model writes nothing that can be used, it returns none.
"""

import math
from collections.abc import Sequence

from rag.expand.asked import Asked
from rag.flows import Flow
from rag.rewrite import queries
from rag.rewrite.passages import passages
from rag.values import Branch, Part

QUERY_WEIGHT = 5.0  # Query2doc repeats the query five times


def query2doc(asked: Asked) -> Flow[tuple[Branch, ...]]:
    """Return "bm25+query2doc": five times the question, and one passage, written greedily.

    Wang et al., EMNLP 2023 (arXiv 2303.07678), without examples.
    """
    return boosted("query2doc", asked, QUERY_WEIGHT, (yield from passages(asked.text)))


def hyde(asked: Asked, samples: int = 4, temperature: float = 0.7) -> Flow[tuple[Branch, ...]]:
    """Return "dense+hyde": the mean of the question and of passages that could answer it.

    Gao et al., ACL 2023 (arXiv 2212.10496), with four passages in place of eight.
    """
    found = yield from passages(asked.text, samples, temperature, asked.seed)
    return averaged("hyde", asked, found)


def mugi(asked: Asked, samples: int = 5, beta: float = 5.0) -> Flow[tuple[Branch, ...]]:
    """Return "bm25+mugi" and "dense+mugi": the question and five passages.

    Zhang et al., EMNLP Findings 2024 (arXiv 2401.06311). The question's weight grows with the
    length of what was written (`adaptive_weight`); dense vectors are averaged.

    Args:
        asked: the question.
        samples: passages, drawn at temperature 1.
        beta: characters of passages to each of the question that its weight balances.
    """
    found = yield from passages(asked.text, samples, 1.0, asked.seed)
    weight = adaptive_weight(asked.text, found, beta)
    return (*boosted("mugi", asked, weight, found), *averaged("mugi", asked, found))


def keywords(asked: Asked) -> Flow[tuple[Branch, ...]]:
    """Return "bm25+keywords": five times the question, and words that an answer may hold."""
    found = yield from queries.keywords(asked.text)
    return boosted("keywords", asked, QUERY_WEIGHT, found)


def multi_query(asked: Asked, count: int = 4) -> Flow[tuple[Branch, ...]]:
    """Return "bm25+variant-1", "dense+variant-1" and so on: other wordings of the question.

    Their rankings are fused; all variants together weigh as much as the question.
    """
    found = yield from queries.variants(asked.text, count)
    return sharing([f"variant-{i}" for i in range(1, len(found) + 1)], asked, found)


def step_back(asked: Asked) -> Flow[tuple[Branch, ...]]:
    """Return "bm25+step-back" and "dense+step-back": the more general question behind it."""
    found = yield from queries.step_back(asked.text)
    return sharing(["step-back"], asked, [found]) if found else ()


def search_queries(asked: Asked, most: int = 3) -> Flow[tuple[Branch, ...]]:
    """Return "bm25+search-1", "dense+search-1" and so on: what one would type to find answers.

    All of them together weigh as much as the question.
    """
    found = yield from queries.search_queries(asked.text, most)
    return sharing([f"search-{i}" for i in range(1, len(found) + 1)], asked, found)


def boosted(name: str, asked: Asked, weight: float, texts: Sequence[str]) -> tuple[Branch, ...]:
    """Return the lexical branch with the question of that weight and texts of weight 1.

    There is none without texts.
    """
    parts = (Part(asked.text, weight), *map(Part, texts))
    return (Branch(f"bm25+{name}", asked.text, asked.depth, parts),) if texts else ()


def averaged(name: str, asked: Asked, passages: Sequence[str]) -> tuple[Branch, ...]:
    """Return the dense branch with the mean of the question and of passages; none without any."""
    written = (Part(passage, reads="document") for passage in passages)
    parts = (Part(asked.text), *written)
    return (Branch(f"dense+{name}", asked.text, asked.depth, parts),) if passages else ()


def sharing(names: Sequence[str], asked: Asked, texts: Sequence[str]) -> tuple[Branch, ...]:
    """Return a lexical and a dense branch for each text; those of a kind share the weight 1."""
    return tuple(
        Branch(f"{kind}+{name}", text, asked.depth, weight=1 / len(texts))
        for name, text in zip(names, texts, strict=True)
        for kind in ("bm25", "dense")
    )


def adaptive_weight(question: str, passages: Sequence[str], beta: float = 5.0) -> float:
    """Return λ = max(1, ⌊(characters of passages / characters of the question) / β⌋).

    >>> adaptive_weight("a" * 10, ["b" * 300, "c" * 260]), adaptive_weight("a" * 10, ["b" * 20])
    (11.0, 1.0)
    """
    characters = sum(map(len, passages))
    return float(max(1, math.floor(characters / max(1, len(question)) / beta)))
