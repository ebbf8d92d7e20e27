"""Runs: what a system returned for every query, as TREC run files."""

import gzip
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.data.collection import numbered_lines
from rag.errors import BadCollection
from rag.values import Candidate, Frozen


@dataclass(frozen=True, slots=True)
class ScoredDocument(Frozen):
    """A document of a ranking with its score."""

    document_id: str
    score: float


STEP = 1e-6  # eight times the relative step of a float32

Ranked = Mapping[str, Sequence[ScoredDocument]]
"""Query id → documents, best first."""


def best_chunks(candidates: Sequence[Candidate], depth: int) -> tuple[ScoredDocument, ...]:
    """Return documents in the order of their best chunk, at most `depth`."""
    return best_documents(((c.chunk.document_id, c.score) for c in candidates), depth)


def best_documents(places: Iterable[tuple[str, float]], depth: int) -> tuple[ScoredDocument, ...]:
    """Return documents with the score of their first place, at most `depth`.

    >>> best_documents([("b", 0.9), ("a", 0.8), ("b", 0.7)], 10)
    (ScoredDocument(document_id='b', score=0.9), ScoredDocument(document_id='a', score=0.8))
    """
    best: dict[str, float] = {}
    for document_id, score in places:  # best first, so the first chunk of a document is its best
        best.setdefault(document_id, score)
    return tuple(ScoredDocument(d, s) for d, s in list(best.items())[:depth])


def read_run(file: Path) -> dict[str, tuple[ScoredDocument, ...]]:
    """Return the rankings of a TREC run file, plain or gzipped, queries in the file's order.

    Documents stand by falling score, as trec_eval reads them; equal ones by rank, then as in the
    file. %20 in ids is white space. Lines at the head that begin with # and are no place of a
    document are comments, as ir_metadata writes them.

    Raises:
        BadCollection: no file, a malformed line, or a document twice for a query; the message names
            file and line.
    """
    if not file.is_file():
        raise BadCollection(f"{file} is missing: name a run in TREC format")
    found: dict[str, dict[str, tuple[float, int]]] = {}
    for number, line in numbered_lines(file):
        if not found and is_comment(line):
            continue
        query_id, document_id, rank, score = _place(f"{file}:{number}", line)
        if document_id in found.setdefault(query_id, {}):
            raise BadCollection(f"{file}:{number}: {query_id} ranks {document_id} twice")
        found[query_id][document_id] = (-score, rank)
    if not found:
        raise BadCollection(f"{file} holds no ranking")
    return {
        query_id: tuple(
            ScoredDocument(document_id, -of[document_id][0])
            for document_id in sorted(of, key=of.__getitem__)
        )
        for query_id, of in found.items()
    }


def is_comment(line: str) -> bool:
    """Return whether a line at the head of a run begins with # and is no place of a document.

    >>> is_comment("# tag: bm25"), is_comment("#1 Q0 d 1 2.5 tag")
    (True, False)
    """
    if not line.startswith("#"):
        return False
    try:
        _columns(line)
    except ValueError:
        return True
    return False


def after_head(data: bytes) -> bytes:
    r"""Return the bytes of a run without the comments at its head.

    >>> after_head(b"# tag: bm25\nq Q0 d 1 2.5 bm25")
    b'q Q0 d 1 2.5 bm25'
    """
    start = 0
    while data.startswith((b"#", b"\n"), start):
        end = data.find(b"\n", start) + 1 or len(data)
        line = data[start:end].decode("utf-8", "replace").strip()
        if line and not is_comment(line):
            break
        start = end
    return data[start:] if start else data


def _place(where: str, line: str) -> tuple[str, str, int, float]:
    try:
        found = _columns(line)
    except ValueError:
        raise BadCollection(
            f"{where}: expected query-id Q0 document-id rank score tag, by spaces"
        ) from None
    if not math.isfinite(found[3]):
        raise BadCollection(f"{where}: {line.split()[4]} is no score")
    return found


def _columns(line: str) -> tuple[str, str, int, float]:
    query_id, _, document_id, rank, score, *_ = line.split()
    return query_id.replace("%20", " "), document_id.replace("%20", " "), int(rank), float(score)


def write_run(file: Path, ranked: Ranked, tag: str, comment: str = "") -> None:
    """Write a run in TREC format: query, Q0, document, rank, score, tag; gzipped for a name in .gz.

    trec_eval sorts by score, as float32, and ignores the rank. So a score that does not fall by
    more than float32 can tell is lowered until it does: sorting gives back the ranking. White
    space in ids, which the format cannot hold, is written as %20. The lines of the comment come
    first, each after "# ".
    """
    lines = [f"# {line}\n" for line in comment.splitlines()]
    for query_id, documents in ranked.items():
        last = math.inf
        for rank, document in enumerate(documents, start=1):
            ceiling = last - STEP * max(1.0, abs(last)) if rank > 1 else math.inf
            last = min(document.score, ceiling)
            ids = f"{_field(query_id)} Q0 {_field(document.document_id)}"
            lines.append(f"{ids} {rank} {last:.9f} {tag}\n")
    text = "".join(lines).encode()
    file.write_bytes(gzip.compress(text, mtime=0) if file.suffix == ".gz" else text)


def _field(text: str) -> str:
    return re.sub(r"\s", "%20", text)
