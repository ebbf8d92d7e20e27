"""The peers of the search benchmark, each doing the same work: fused top-100 with texts."""

from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np

from eval.benchmarks.search import Corpus, K
from rag.fuse import dbsf
from rag.values import Hit

Ask = Callable[[str], Awaitable[object]]


def bm25s_with_numpy(corpus: Corpus) -> Ask:
    """bm25s for the words, a matrix product for the vectors, our DBSF for both."""
    import bm25s

    index = bm25s.BM25(k1=0.9, b=0.4)
    index.index(bm25s.tokenize(list(corpus.texts), show_progress=False), show_progress=False)
    rows = {text: i for i, text in enumerate(corpus.queries)}

    async def ask(text: str) -> object:
        tokens = bm25s.tokenize([text], show_progress=False)
        ids, scores = index.retrieve(tokens, k=K, show_progress=False)
        words = tuple(Hit(str(i), float(s)) for i, s in zip(ids[0], scores[0], strict=True))
        cosines = corpus.vectors @ corpus.query_vectors[rows[text]]  # (n,)
        best = np.argpartition(-cosines, K)[:K]
        best = best[np.argsort(-cosines[best])]
        dense = tuple(Hit(str(i), float(cosines[i])) for i in best)
        fused = dbsf({"bm25": words, "dense": dense}, {})[:K]
        return [(hit, corpus.texts[int(hit.chunk_id)]) for hit in fused]

    return ask


def haystack_in_memory(corpus: Corpus) -> Ask:
    """Haystack's InMemoryDocumentStore, both retrievals, our DBSF for both."""
    from haystack import Document
    from haystack.document_stores.in_memory import InMemoryDocumentStore

    store = InMemoryDocumentStore(embedding_similarity_function="dot_product")
    documents: list[Any] = [
        Document(id=str(i), content=text, embedding=vector)
        for i, (text, vector) in enumerate(zip(corpus.texts, corpus.vectors.tolist(), strict=True))
    ]
    store.write_documents(documents)
    rows = dict(zip(corpus.queries, corpus.query_vectors.tolist(), strict=True))

    async def ask(text: str) -> object:
        words = store.bm25_retrieval(text, top_k=K)
        dense = store.embedding_retrieval(rows[text], top_k=K)
        texts = {document.id: document.content for document in (*words, *dense)}
        rankings = {
            name: tuple(Hit(document.id, document.score or 0.0) for document in found)
            for name, found in (("bm25", words), ("dense", dense))
        }
        return [(hit, texts[hit.chunk_id]) for hit in dbsf(rankings, {})[:K]]

    return ask
