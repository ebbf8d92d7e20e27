"""Answers as the RAG track of TREC 2024 reads them."""

import unicodedata
from collections.abc import Sequence

from rag.values import Answer, Json, Sentence

WORDS = 400
REFERENCES = 20


def trec_rag(answer: Answer, run_id: str, topic_id: str) -> dict[str, Json]:
    """Return an answer as an object of a TREC RAG 2024 run.

    Citations are indices, from 0, into `references`: ids of documents in the order of their first
    appearance. Where the answer is longer than 400 words, whole sentences are left out from its
    end; of more than 20 references, the later ones and their citations.

    Args:
        answer: an abstention has no sentences and no references.
        run_id: the name of the run.
        topic_id: the id of the topic; its text is the query's.
    """
    sentences = _within(answer.sentences)
    cited = dict.fromkeys(one.document_id for s in sentences for one in s.citations)
    index = {document_id: i for i, document_id in enumerate(list(cited)[:REFERENCES])}
    return {
        "run_id": run_id,
        "topic_id": topic_id,
        "topic": answer.query.text,
        "references": list(index),
        "response_length": sum(map(_words, sentences)),
        "answer": [
            {"text": sentence.text, "citations": _citations(sentence, index)}
            for sentence in sentences
        ],
    }


def _citations(sentence: Sentence, index: dict[str, int]) -> list[Json]:
    """Return the indices that a sentence cites, in its order, none twice."""
    documents = dict.fromkeys(citation.document_id for citation in sentence.citations)
    return [index[document_id] for document_id in documents if document_id in index]


def _within(sentences: Sequence[Sentence]) -> list[Sentence]:
    """Return the first sentences that have at most as many words as are allowed."""
    kept, words = [], 0
    for sentence in sentences:
        words += _words(sentence)
        if words > WORDS:
            break
        kept.append(sentence)
    return kept


def _words(sentence: Sentence) -> int:
    return len(unicodedata.normalize("NFKC", sentence.text).split())
