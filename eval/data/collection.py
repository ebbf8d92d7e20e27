"""Test collections in BEIR layout: documents, queries, and qrels with grades."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from indexers.reading import beir_corpus
from indexers.reading.lines import read_lines
from rag.errors import BadCollection
from rag.plan import MAX_QUERY_CHARS
from rag.values import Fault, Frozen

Qrels = Mapping[str, Mapping[str, int]]
"""Query id → document id → grade. What is absent is unjudged."""

_WANTED = 'wanted is a line per query, such as {"_id": "1", "text": "What is …?"}'
_MAX_LINE_BYTES = 16 * 1024 * 1024
_MAX_GRADE = 10_000  # chosen: trec_eval allocates by the largest; above, two columns were swapped


class _Query(msgspec.Struct, frozen=True):
    id: str | int = msgspec.field(name="_id")
    text: str


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
        return self.folder.resolve().name


def read_collection(folder: Path, split: str) -> Collection:
    """Return a collection; only queries that have qrels in the split are kept.

    Raises:
        BadCollection: a part is missing or cannot be read; the message names file and line.
    """
    corpus = corpus_of(folder)
    qrels = read_qrels(folder / "qrels" / f"{split}.tsv")
    every = read_queries(folder)
    missing = sorted(set(qrels) - set(every))
    if missing:
        raise BadCollection(
            f"{folder}: qrels/{split}.tsv judges {len(missing)} queries that queries.jsonl lacks, "
            f"e.g. '{missing[0]}'"
        )
    queries = askable(folder, {query_id: every[query_id] for query_id in qrels})
    return Collection(folder, corpus, queries, qrels, split)


def corpus_of(folder: Path) -> Path:
    """Return the file or folder that holds the documents of a BEIR folder.

    Raises:
        BadCollection: there is none.
    """
    corpus = beir_corpus(folder)
    if corpus is None:
        raise BadCollection(
            f"{folder} is no BEIR folder: it needs corpus.jsonl, corpus.jsonl.gz, or a folder "
            "corpus/ beside queries.jsonl"
        )
    return corpus


def read_questions(folder: Path, most: int = 0) -> Mapping[str, str]:
    """Return the text of the first queries of a BEIR folder, judged or not; 0 is all of them.

    Raises:
        BadCollection: as `read_queries`; no corpus, no query, or one that cannot be asked.
    """
    corpus_of(folder)
    queries = dict(list(read_queries(folder).items())[: most or None])
    if not queries:
        raise BadCollection(f"{folder}: queries.jsonl is empty: {_WANTED}")
    return askable(folder, queries)


def askable(folder: Path, queries: Mapping[str, str]) -> Mapping[str, str]:
    """Return the queries.

    Raises:
        BadCollection: one is blank, or longer than what can be asked.
    """
    for query_id, text in queries.items():
        if not text.strip() or len(text) > MAX_QUERY_CHARS:
            raise BadCollection(
                f"{folder}: query '{query_id}' cannot be asked: it has {len(text.strip()):,} "
                f"characters, 1 to {MAX_QUERY_CHARS:,} are possible"
            )
    return queries


def read_qrels(file: Path) -> Qrels:
    """Return the grades of a BEIR qrels file (tab separated, with a header line).

    Raises:
        BadCollection: missing, without a judgment, a malformed line, or one pair judged twice.
    """
    if not file.is_file():
        present = sorted(path.stem for path in file.parent.glob("*.tsv"))
        raise BadCollection(f"{file} is missing. Splits here: {', '.join(present) or 'none'}")
    qrels: dict[str, dict[str, int]] = {}
    for number, line in numbered_lines(file):
        fields = line.split("\t")
        if number == 1 and fields[-1] == "score":
            continue
        query_id, document_id, grade = _judgment(f"{file}:{number}", fields)
        if document_id in qrels.setdefault(query_id, {}):
            raise BadCollection(f"{file}:{number}: {query_id} {document_id} is judged twice")
        qrels[query_id][document_id] = grade
    if not qrels:
        raise BadCollection(f"{file} holds no judgment")
    return qrels


def _judgment(where: str, fields: list[str]) -> tuple[str, str, int]:
    try:  # three, exactly: the first three of TREC's own four columns can read like a judgment
        query_id, document_id, score = fields
        grade = int(score)
    except ValueError:
        raise BadCollection(
            f"{where}: expected query-id, corpus-id and an integer score, by tabs"
        ) from None
    if not (query_id.strip() and document_id.strip()):
        raise BadCollection(f"{where}: a blank id")
    if abs(grade) > _MAX_GRADE:
        raise BadCollection(f"{where}: {grade} is no grade: at most {_MAX_GRADE:,}")
    return query_id, document_id, grade


def read_queries(folder: Path) -> dict[str, str]:
    """Return the text of every query of a collection, judged or not, in the file's order.

    Raises:
        BadCollection: no file, a malformed line, an id that stands twice, or ids that are numbers
            here and strings there.
    """
    files = [folder / name for name in ("queries.jsonl", "queries.jsonl.gz")]
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        raise BadCollection(f"{folder} has no queries.jsonl: {_WANTED}")
    queries: dict[str, str] = {}
    kinds: dict[str, type] = {}
    for number, line in numbered_lines(file):
        try:
            row = msgspec.json.decode(line, type=_Query)
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadCollection(f"{file}:{number}: no query: {error}; {_WANTED}") from None
        check_kind(f"{file}:{number}", "`_id`", [row.id], kinds)
        query_id = str(row.id)
        if not query_id.strip():
            raise BadCollection(f"{file}:{number}: no query: `_id` is blank")
        if query_id in queries:
            raise BadCollection(f"{file}:{number}: query '{query_id}' stands here twice")
        queries[query_id] = row.text
    return queries


def check_kind(where: str, what: str, ids: Sequence[str | int], kinds: dict[str, type]) -> None:
    """Remember whether ids are numbers or strings.

    Raises:
        BadCollection: they are no longer what they were before.
    """
    for id_ in ids:
        if kinds.setdefault(what, type(id_)) is not type(id_):
            names = {int: "a number", str: "a string"}
            raise BadCollection(
                f"{where}: {what} is {names[type(id_)]} here and {names[kinds[what]]} before: "
                "write all of them as strings"
            )


def numbered_lines(file: Path) -> Iterator[tuple[int, str]]:
    """Yield (line number, line) of a text file, without blank lines, line ends and a BOM.

    Raises:
        BadCollection: a line is too long, or no UTF-8.
    """
    for number, line in read_lines(file, _MAX_LINE_BYTES):
        if isinstance(line, Fault):
            raise BadCollection(str(line))
        try:
            yield number, line.decode("utf-8-sig").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise BadCollection(
                f"{file}:{number}: not UTF-8 (byte {error.start} of the line)"
            ) from None
