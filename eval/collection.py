"""Test collections in BEIR layout: documents, queries, and qrels with grades."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from indexers.readers import beir_corpus, read_lines
from rag.errors import BadCollection
from rag.values import Fault, Frozen

Qrels = Mapping[str, Mapping[str, int]]
"""Query id → document id → grade. What is absent is unjudged."""

_MAX_LINE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Collection(Frozen):
    """A folder with `corpus.jsonl(.gz)` or `corpus/`, `queries.jsonl(.gz)`, `qrels/<split>.tsv`."""

    folder: Path
    corpus: Path
    queries: Mapping[str, str]
    qrels: Qrels
    split: str

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name


def read_collection(folder: Path, split: str) -> Collection:
    """Return a collection; only queries that have qrels in the split are kept.

    Raises:
        BadCollection: a part is missing or cannot be read; the message names file and line.
    """
    corpus = beir_corpus(folder)
    if corpus is None:
        raise BadCollection(
            f"{folder} is no BEIR folder: it needs corpus.jsonl, corpus.jsonl.gz, or a folder "
            "corpus/ beside queries.jsonl"
        )
    qrels = read_qrels(folder / "qrels" / f"{split}.tsv")
    every = _read_queries(folder)
    missing = sorted(set(qrels) - set(every))
    if missing:
        raise BadCollection(
            f"{folder}: qrels/{split}.tsv judges {len(missing)} queries that queries.jsonl lacks, "
            f"e.g. '{missing[0]}'"
        )
    queries = {query_id: every[query_id] for query_id in qrels}
    return Collection(folder, corpus, queries, qrels, split)


def read_qrels(file: Path) -> Qrels:
    """Return the grades of a BEIR qrels file (tab separated, with a header line).

    Raises:
        BadCollection: missing, without a judgment, a malformed line, or one pair judged twice.
    """
    if not file.is_file():
        present = sorted(path.stem for path in file.parent.glob("*.tsv"))
        raise BadCollection(f"{file} is missing. Splits here: {', '.join(present) or 'none'}")
    qrels: dict[str, dict[str, int]] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        fields = line.split("\t")
        if not line.strip() or (number == 1 and fields[-1] == "score"):
            continue
        try:
            query_id, document_id, grade = fields[0], fields[1], int(fields[2])
        except (IndexError, ValueError):
            raise BadCollection(
                f"{file}:{number}: expected query-id, corpus-id and an integer score, by tabs"
            ) from None
        if document_id in qrels.setdefault(query_id, {}):
            raise BadCollection(f"{file}:{number}: {query_id} {document_id} is judged twice")
        qrels[query_id][document_id] = grade
    if not qrels:
        raise BadCollection(f"{file} holds no judgment")
    return qrels


def _read_queries(folder: Path) -> dict[str, str]:
    files = [folder / name for name in ("queries.jsonl", "queries.jsonl.gz")]
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        raise BadCollection(f"{folder} has no queries.jsonl")
    queries: dict[str, str] = {}
    for number, line in read_lines(file, _MAX_LINE_BYTES):
        if isinstance(line, Fault):
            raise BadCollection(str(line))
        try:
            row = msgspec.json.decode(line)
            query_id, text = str(row["_id"]), row["text"]
        except (msgspec.DecodeError, KeyError, TypeError) as error:
            raise BadCollection(f"{file}:{number}: no query: {error!r}") from None
        if query_id in queries:
            raise BadCollection(f"{file}:{number}: query '{query_id}' stands here twice")
        queries[query_id] = text
    return queries
