"""Runs: what a system returned for every query, as TREC run files."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

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
    best: dict[str, float] = {}
    for candidate in candidates:  # best first, so the first chunk of a document is its best
        best.setdefault(candidate.chunk.document_id, candidate.score)
    return tuple(ScoredDocument(d, s) for d, s in list(best.items())[:depth])


def write_run(file: Path, ranked: Ranked, tag: str) -> None:
    """Write a run in TREC format: query, Q0, document, rank, score, tag.

    trec_eval sorts by score, as float32, and ignores the rank. So a score that does not fall by
    more than float32 can tell is lowered until it does: sorting gives back the ranking. White
    space in ids, which the format cannot hold, is written as %20.
    """
    lines = []
    for query_id, documents in ranked.items():
        last = math.inf
        for rank, document in enumerate(documents, start=1):
            ceiling = last - STEP * max(1.0, abs(last)) if rank > 1 else math.inf
            last = min(document.score, ceiling)
            ids = f"{_field(query_id)} Q0 {_field(document.document_id)}"
            lines.append(f"{ids} {rank} {last:.9f} {tag}\n")
    file.write_text("".join(lines), encoding="utf-8")


def _field(text: str) -> str:
    return re.sub(r"\s", "%20", text)
