"""What is judged: labelled pairs of a collection, or the holes of runs; with their texts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from eval.data.collection import Qrels, corpus_of
from eval.data.runs import Ranked
from indexers.reading import read_paths
from rag.errors import BadCollection
from rag.values import Case, Document

Pair = tuple[str, str]
"""Query id, document id."""


def labelled(qrels: Qrels) -> list[Pair]:
    """Return the pairs that have a label, in the order of the qrels.

    >>> labelled({"q1": {"b": 0, "a": 2}})
    [('q1', 'b'), ('q1', 'a')]
    """
    return [(query_id, document_id) for query_id, of in qrels.items() for document_id in of]


def holes(runs: Iterable[Ranked], depth: int, qrels: Qrels) -> list[Pair]:
    """Return the pairs of the pool of runs to a depth that have no label, by query and document.

    Queries without any label are left out: their measures would be the judge's alone.
    """
    pool = {
        (query_id, document.document_id)
        for run in runs
        for query_id, ranking in run.items()
        for document in ranking[:depth]
    }
    return sorted((q, d) for q, d in pool if q in qrels and d not in qrels[q])


def spread(pairs: Sequence[Pair], limit: int) -> list[Pair]:
    """Return so many pairs over as many queries as can be, in the order of all; 0 is all.

    >>> spread([("q1", "a"), ("q1", "b"), ("q1", "c"), ("q2", "d")], 3)
    [('q1', 'a'), ('q1', 'b'), ('q2', 'd')]
    """
    if not limit:
        return list(pairs)
    place: dict[str, int] = defaultdict(int)
    rounds: list[tuple[int, int]] = []
    for i, (query_id, _) in enumerate(pairs):
        rounds.append((place[query_id], i))
        place[query_id] += 1
    return [pairs[i] for i in sorted(i for _, i in sorted(rounds)[:limit])]


def with_texts(
    pairs: Sequence[Pair], queries: Mapping[str, str], texts: Mapping[str, str], where: str
) -> list[Case]:
    """Return pairs as cases.

    Raises:
        BadCollection: a text is missing.
    """
    lacking = sorted({d for _, d in pairs} - texts.keys()) or sorted(
        {q for q, _ in pairs} - queries.keys()
    )
    if lacking:
        raise BadCollection(
            f"{where} lacks the texts of {len(lacking):,} queries or documents that are to be "
            f"judged, e.g. '{lacking[0]}': name the collection that runs and qrels were made on"
        )
    return [Case(q, queries[q], d, texts[d]) for q, d in pairs]


def read_texts(folder: Path, wanted: set[str]) -> dict[str, str]:
    """Return the texts of documents of a BEIR folder by id, each after its title.

    Raises:
        BadCollection: the folder holds no corpus.
    """
    corpus_of(folder)
    found = {}
    for item in read_paths([folder]):
        if isinstance(item, Document) and item.id in wanted:
            found[item.id] = titled(item.title, item.text)
    return found


def titled(title: str, text: str) -> str:
    """Return a document's text after its title.

    >>> titled("Cats", "They purr."), titled("", "They purr.")
    ('Cats. They purr.', 'They purr.')
    """
    return f"{title}. {text}" if title else text
