"""Pseudo-relevance feedback: what a first search finds teaches what to look for, without a model.

It finds more, and puts less of it first: it belongs beside the query as it was asked, and before a
reranker. Weights of terms leave out inverse document frequencies, which the store multiplies in.
The flows search once with the question and make one branch of what that finds; of nothing, none.
They read chunks as the index does, titles included.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from textwrap import shorten
from typing import cast

from rag.expand.asked import Asked
from rag.flows import Flow
from rag.terms import by_term, heaviest, mixed, sparse, summing_to_one
from rag.values import Branch, Candidate, Form, Kind, Part, Search, Searched, SparseVector

# Chosen for the R@100 of 43 queries of DL19, where 300 of SciFact hardly lose nDCG@10 when the
# branch is fused with the plain one. With Anserini's weights of what is learnt (1 − λ = .5 and
# β = .75) DL19 gains more, and SciFact loses .01 and .02. Choosing terms by the pool's tf·idf gains
# less than leaving out the common ones.
POOL = 50
"""Chunks that are searched for, to know which terms are common among them."""
DOCUMENTS = 10
"""Chunks that teach terms (Anserini)."""
TERMS = 20
"""Terms that are learnt."""
ORIGINAL = 0.7
"""λ of RM3: the share of the question."""
BETA = 0.2
"""β of Rocchio beside α = 1."""

_WORD = re.compile(r"[^\W_]+")
_SHOWN_CHARS = 80  # chosen: of each passage, for people to recognise it


def rm3(
    query: SparseVector,
    documents: Sequence[tuple[SparseVector, float]],
    common: frozenset[int] = frozenset(),
    *,
    terms: int = 10,
    original: float = 0.5,
) -> SparseVector:
    """Return λ·query + (1 − λ)·relevance model; the weights sum to one.

    The relevance model is Σ score · document over the documents, each cut to its heaviest terms and
    scaled to sum to one; the sum is cut and scaled in the same way. Abdul-Jaleel et al., TREC 2004,
    as Anserini's `Rm3Reranker` computes it.

    Args:
        query: counts of terms.
        documents: counts of terms, each with the score by which it was found, at least 0.
        common: terms that are not learnt, by id.
        terms: kept of every document and of the model.
        original: λ, in 0..1; 1 where the documents teach nothing.

    >>> rm3(sparse({1: 1.0}), [(sparse({1: 1.0, 2: 3.0}), 5.0)])
    SparseVector(indices=(1, 2), values=(0.625, 0.375))
    """
    each = [(summing_to_one(_kept(terms_of, terms, common)), s) for terms_of, s in documents]
    model = summing_to_one(_kept(mixed(each), terms, common))
    share = original if model.indices else 1.0
    return mixed([(summing_to_one(query), share), (model, 1 - share)])


def rocchio(
    query: SparseVector,
    relevant: Sequence[SparseVector],
    common: frozenset[int] = frozenset(),
    *,
    irrelevant: Sequence[SparseVector] = (),
    terms: int = 10,
    alpha: float = 1.0,
    beta: float = 0.75,
    gamma: float = 0.0,
) -> SparseVector:
    """Return α·query + β·mean of the relevant − γ·mean of the irrelevant, where it is above 0.

    Query, documents and means have unit length (L2), the means once they are cut to their heaviest
    terms. Rocchio 1971, as Anserini's `RocchioReranker` computes it.

    Args:
        query: counts of terms.
        relevant: BM25 weights of documents that were found first.
        common: terms that are not learnt, by id.
        irrelevant: BM25 weights of documents that were found last.
        terms: kept of each mean.
        alpha: α, at least 0, as the next two.
        beta: β.
        gamma: γ.

    >>> rocchio(sparse({1: 1.0}), [sparse({1: 3.0, 2: 4.0})], beta=0.5)
    SparseVector(indices=(1, 2), values=(1.3, 0.4))
    """
    parts = [
        (_unit(query), alpha),
        (_mean(relevant, terms, common), beta),
        (_mean(irrelevant, terms, common), -gamma),
    ]
    moved = by_term(mixed(parts))
    return sparse({id_: weight for id_, weight in moved.items() if weight > 0})


def common_terms(documents: Sequence[SparseVector], least: int = DOCUMENTS) -> frozenset[int]:
    """Return the terms, by id, that more than half of the documents hold, and more than `least`.

    It stands for Anserini's rule, a tenth of the collection: a search does not tell how many
    documents there hold a term.

    >>> one, two = sparse({1: 1.0, 2: 2.0}), sparse({1: 3.0, 3: 1.0})
    >>> common_terms([one, two, one], least=2), common_terms([one, two, one], least=3)
    (frozenset({1}), frozenset())
    """
    held = Counter(id_ for document in documents for id_ in document.indices)
    return frozenset(id_ for id_, n in held.items() if n > max(len(documents) / 2, least))


def rm3_branch(asked: Asked) -> Flow[tuple[Branch, ...]]:
    """Make "bm25+rm3": the question's terms and those of a relevance model."""
    found = yield from _found(asked, POOL, "bm25")
    pool = [asked.sparse.query(one.chunk.indexed_text) for one in found]
    scored = [(terms, one.score) for terms, one in zip(pool, found, strict=True)]
    query = asked.sparse.query(asked.text)
    form = rm3(query, scored[:DOCUMENTS], common_terms(pool), terms=TERMS, original=ORIGINAL)
    return _learnt("bm25+rm3", asked, form, found)


def rocchio_branch(asked: Asked) -> Flow[tuple[Branch, ...]]:
    """Make "bm25+rocchio": the question's terms, moved towards the mean of what was found first."""
    found = yield from _found(asked, POOL, "bm25")
    pool = [asked.sparse.document(one.chunk.indexed_text, asked.mean_length) for one in found]
    query = asked.sparse.query(asked.text)
    form = rocchio(query, pool[:DOCUMENTS], common_terms(pool), terms=TERMS, beta=BETA)
    return _learnt("bm25+rocchio", asked, form, found)


def average_branch(asked: Asked) -> Flow[tuple[Branch, ...]]:
    """Make "dense+average": the mean of the question and the 3 chunks nearest to it.

    Li et al., TOIS 2023 (arXiv 2108.11044), with Pyserini's depth.
    """
    found = yield from _found(asked, 3, "dense")
    share = 1 / (len(found) + 1)
    return _moved("dense+average", asked, found, share, share)


def dense_rocchio_branch(asked: Asked) -> Flow[tuple[Branch, ...]]:
    """Make "dense+rocchio": .4 of the question and .6 of the mean of the 5 chunks nearest to it.

    Source as in `average_branch`.
    """
    found = yield from _found(asked, 5, "dense")
    return _moved("dense+rocchio", asked, found, 0.4, 0.6 / max(1, len(found)))


def _found(asked: Asked, k: int, kind: Kind) -> Flow[tuple[Candidate, ...]]:
    (reply,) = yield (Search(asked.text, k, (kind,)),)
    return cast("Searched", reply).candidates


def _learnt(
    name: str, asked: Asked, form: SparseVector, found: Sequence[Candidate]
) -> tuple[Branch, ...]:
    """Return the branch that looks with these terms, or none where no term is new."""
    known = set(asked.sparse.query(asked.text).indices)
    new = {id_: weight for id_, weight in by_term(form).items() if id_ not in known}
    if not new:
        return ()
    words = _words([one.chunk.indexed_text for one in found[:DOCUMENTS]], asked)
    shown = sorted(new.items(), key=lambda term: (-term[1], term[0]))
    text = ", ".join(f"{words[id_]} {weight:.2g}" for id_, weight in shown if id_ in words)
    return (Branch(name, text or asked.text, asked.depth, form),)


def _words(texts: Sequence[str], asked: Asked) -> dict[int, str]:
    """Return by term id the first word of the texts that holds the term."""
    words: dict[int, str] = {}
    for word in dict.fromkeys(word for text in texts for word in _WORD.findall(text)):
        for id_ in asked.sparse.query(word).indices:
            words.setdefault(id_, word)
    return words


def _moved(
    name: str, asked: Asked, found: Sequence[Candidate], query: float, chunk: float
) -> tuple[Branch, ...]:
    """Return the branch that looks with the question and chunks, at these weights each."""
    if not found:
        return ()
    texts = [one.chunk.indexed_text for one in found]
    form: Form = (Part(asked.text, query), *(Part(text, chunk, "document") for text in texts))
    shown = [shorten(text, _SHOWN_CHARS, placeholder=" …") for text in texts]
    return (Branch(name, " + ".join([asked.text, *shown]), asked.depth, form),)


def _mean(documents: Sequence[SparseVector], terms: int, common: frozenset[int]) -> SparseVector:
    share = 1 / max(1, len(documents))
    return _unit(_kept(mixed((_unit(document), share) for document in documents), terms, common))


def _kept(vector: SparseVector, count: int, common: frozenset[int]) -> SparseVector:
    allowed = {id_: weight for id_, weight in by_term(vector).items() if id_ not in common}
    return heaviest(sparse(allowed), count)


def _unit(vector: SparseVector) -> SparseVector:
    length = math.hypot(*vector.values)
    return mixed([(vector, 1 / length)]) if length else vector
