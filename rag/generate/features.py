"""What tells a sentence that people would quote, beside how near it is to the question."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from rag.generate.lines import Read

FEATURES: Mapping[str, str] = {
    "cosine": "with the question",
    "near": "standard deviations of its cosine above the mean of its document's lines",
    "lexical": "BM25 among all lines, the best 1, the least 0",
    "opens": "1 where it opens its document",
    "place": "share of its document's lines that stand before it",
    "words": "ln of its number of words",
    "lines": "ln of its document's number of lines",
    "central": "cosine with the mean of its document's lines",
    "document": "ln of its document's rank",
    "behind": "how far its document's best cosine is behind the best of all",
}
"""What every feature of a line is, by name."""

_CALM = 0.02  # chosen: keeps cosines that hardly differ from seeming far apart


def features(read: Read) -> list[Mapping[str, float]]:
    """Return the features of each line, in their order."""
    documents: dict[str, list[int]] = {}
    for i, line in enumerate(read.lines):
        documents.setdefault(line.document, []).append(i)
    best = max(line.cosine for line in read.lines)
    found: dict[int, Mapping[str, float]] = {}
    for rank, places in enumerate(documents.values(), start=1):
        places.sort(key=lambda i: read.lines[i].start)
        found.update(_of_document(read, places, rank, best))
    return [found[i] for i in range(len(read.lines))]


def _of_document(
    read: Read, places: Sequence[int], rank: int, best: float
) -> Mapping[int, Mapping[str, float]]:
    lines = [read.lines[i] for i in places]
    cosines = np.array([line.cosine for line in lines])  # (d,)
    vectors = read.vectors[list(places)].astype(np.float64)  # (d, h)
    central = vectors @ vectors.mean(axis=0)  # (d,)
    near = (cosines - cosines.mean()) / (cosines.std() + _CALM)  # (d,)
    return {
        place: {
            "cosine": line.cosine,
            "near": float(near[n]),
            "lexical": line.lexical,
            "opens": float(n == 0 and line.passage.candidate.chunk.start == 0),
            "place": n / max(1, len(lines) - 1),
            "words": math.log(len(line.words)),
            "lines": math.log(len(lines)),
            "central": float(central[n]),
            "document": math.log(rank),
            "behind": best - float(cosines.max()),
        }
        for n, (place, line) in enumerate(zip(places, lines, strict=True))
    }
