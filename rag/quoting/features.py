"""What tells a sentence that people would quote, beside how near it is to the question.

A document's features say whether it is quoted at all; a line's, which of a quoted document's lines.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from rag.quoting.lines import Line, Read

LINE: Mapping[str, str] = {
    "near": "standard deviations of its cosine above the mean of its document's lines",
    "beyond": "the same of what it and the question say beyond the title",
    "lexical": "BM25 among all lines, the best 1, the least 0",
    "asked": "ln(1 + signs of what is asked for), above the mean of its document's lines",
    "opens": "1 where it opens its document",
    "lines": "ln of its document's number of lines",
    "central": "cosine with the mean of its document's lines",
}
"""What every feature of a line is, by name."""

DOCUMENT: Mapping[str, str] = {
    "rank": "ln of its rank",
    "behind": "how far its best cosine is behind the best of all",
}
"""What every feature of a document is, by name."""

_CALM = 0.02  # chosen: keeps cosines that hardly differ from seeming far apart


def documents(read: Read) -> list[list[int]]:
    """Return the places of each document's lines as they stand in it, the best document first."""
    found: dict[str, list[int]] = {}
    for i, line in enumerate(read.lines):
        found.setdefault(line.document, []).append(i)
    return [sorted(places, key=lambda i: read.lines[i].start) for places in found.values()]


def of_documents(read: Read) -> list[Mapping[str, float]]:
    """Return the features of each document, in the order of `documents`."""
    best = [max(read.lines[i].cosine for i in places) for places in documents(read)]
    return [
        {"rank": math.log(rank), "behind": max(best) - cosine}
        for rank, cosine in enumerate(best, start=1)
    ]


def of_lines(read: Read, places: Sequence[int]) -> list[Mapping[str, float]]:
    """Return the features of a document's lines, as they stand in it."""
    lines = [read.lines[i] for i in places]
    vectors = read.vectors[list(places)].astype(np.float64)  # (d, h)
    columns = {
        "near": _above([line.cosine for line in lines]),
        "beyond": _above([line.beyond for line in lines]),
        "lexical": [line.lexical for line in lines],
        "asked": _asked(lines),
        "opens": [float(n == 0 and _at_start(line)) for n, line in enumerate(lines)],
        "lines": [math.log(len(lines))] * len(lines),
        "central": (vectors @ vectors.mean(axis=0)).tolist(),
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _above(cosines: Sequence[float]) -> list[float]:
    x = np.array(cosines)  # (d,)
    above: list[float] = ((x - x.mean()) / (x.std() + _CALM)).tolist()
    return above


def _asked(lines: Sequence[Line]) -> list[float]:
    counts = [math.log1p(line.asked) for line in lines]
    mean = math.fsum(counts) / len(counts)
    return [count - mean for count in counts]


def _at_start(line: Line) -> bool:
    return line.passage.candidate.chunk.start == 0
