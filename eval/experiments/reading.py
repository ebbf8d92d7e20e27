"""The collections of an experiment, read: queries, grades, and what the corpus holds."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from eval.data.collection import Qrels, askable, read_collection
from eval.data.questions import read_questions_file
from eval.data.trec import read_topics, read_trec_qrels
from eval.experiments.definition import CollectionTable
from indexers.reading import read_paths
from rag.errors import BadCollection
from rag.sections import IndexSettings
from rag.values import Document, Fault, Frozen

UNJUDGED = "no judgment"


@dataclass(frozen=True, slots=True)
class Tested(Frozen):
    """A collection to be tested on: the queries that are asked, and their grades.

    `paths` hold the documents. `left_out` says why other queries are not asked, by id.
    """

    name: str
    split: str
    paths: tuple[Path, ...]
    queries: Mapping[str, str]
    qrels: Qrels
    left_out: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Corpus(Frozen):
    """What the documents are: the SHA-256 of their sorted ids and texts, and the ids."""

    fingerprint: str
    ids: frozenset[str]

    @property
    def documents(self) -> int:
        """How many there are."""
        return len(self.ids)

    def lacking(self, qrels: Qrels) -> int:
        """Return how many judgments are of documents that are not there."""
        return sum(id_ not in self.ids for grades in qrels.values() for id_ in grades)


def read_tested(table: CollectionTable) -> Tested:
    """Return the collection that a table describes.

    Raises:
        BadCollection: it cannot be read, judges queries that are not there, has grades outside the
            declared scale, or nothing to ask.
    """
    found = READERS[table.kind](table)
    for query_id, grades in found.qrels.items():
        for document_id, grade in grades.items():
            if table.grades and not table.grades[0] <= grade <= table.grades[1]:
                raise BadCollection(
                    f"collection '{table.name}': {query_id} {document_id} has grade {grade}; "
                    f"declared are {table.grades[0]} to {table.grades[1]}: correct `grades`, or "
                    "the qrels"
                )
    asked = dict(islice(found.queries.items(), table.queries or None))
    if not asked:
        raise BadCollection(f"collection '{table.name}' has no judged query")
    qrels = {query_id: found.qrels[query_id] for query_id in asked}
    return Tested(found.name, found.split, found.paths, asked, qrels, found.left_out)


def _beir(table: CollectionTable) -> Tested:
    _wants(table, "path")
    read = read_collection(Path(table.path), table.split)
    return Tested(table.name, table.split, (read.folder,), read.queries, read.qrels, {})


def _trec(table: CollectionTable) -> Tested:
    _wants(table, "topics", "qrels", "corpus")
    topics, qrels = read_topics(Path(table.topics)), read_trec_qrels(Path(table.qrels))
    if missing := sorted(set(qrels) - set(topics)):
        raise BadCollection(
            f"{table.qrels} judges {len(missing)} topics that {table.topics} lacks, e.g. "
            f"'{missing[0]}': name the topics that belong to the qrels"
        )
    return _judged(table, topics, qrels)


def _qa(table: CollectionTable) -> Tested:
    _wants(table, "path", "corpus")
    read = read_questions_file(Path(table.path))
    return _judged(table, read.texts, read.qrels)


def _judged(table: CollectionTable, texts: Mapping[str, str], qrels: Qrels) -> Tested:
    """Return the collection of the judged queries; the others are left out."""
    asked = {query_id: text for query_id, text in texts.items() if query_id in qrels}
    left_out = {query_id: UNJUDGED for query_id in texts if query_id not in qrels}
    queries = askable(Path(table.path or table.topics), asked)
    paths = tuple(map(Path, table.corpus))
    if gone := [path for path in paths if not path.exists()]:
        raise BadCollection(f"collection '{table.name}': {gone[0]} is missing: correct `corpus`")
    return Tested(table.name, table.split, paths, queries, qrels, left_out)


READERS: Mapping[str, Callable[[CollectionTable], Tested]] = {
    "beir": _beir,
    "trec": _trec,
    "qa": _qa,
}
"""How each kind of collection is read."""


def _wants(table: CollectionTable, *keys: str) -> None:
    if missing := [key for key in keys if not getattr(table, key)]:
        raise BadCollection(
            f"collection '{table.name or '?'}' is of kind {table.kind}: give its `{missing[0]}`"
        )


def read_corpus(tested: Tested, limits: IndexSettings) -> Corpus:
    """Return what the documents are.

    Raises:
        BadCollection: a document stands there twice, or there is none.
    """
    digests: dict[str, bytes] = {}
    for document in documents(tested.paths, limits):
        if document.id in digests:
            raise BadCollection(
                f"{document.source}: document '{document.id}' stands twice in the corpus of "
                f"'{tested.name}': keep one of the two"
            )
        said = f"{document.title}\n{document.text}".encode()
        digests[document.id] = hashlib.sha256(said).digest()
    if not digests:
        read = read_paths(list(tested.paths), limits=limits)
        why = next((f", e.g. {item}" for item in read if isinstance(item, Fault)), "")
        raise BadCollection(
            f"collection '{tested.name}': no document of the corpus can be read{why}"
        )
    whole = hashlib.sha256()
    for id_ in sorted(digests):
        whole.update(f"{len(id_)} {id_}".encode() + digests[id_])
    return Corpus(whole.hexdigest(), frozenset(digests))


def documents(paths: Iterable[Path], limits: IndexSettings) -> Iterable[Document]:
    """Yield the documents that can be read; what cannot is told when they are indexed."""
    return (item for item in read_paths(list(paths), limits=limits) if isinstance(item, Document))
