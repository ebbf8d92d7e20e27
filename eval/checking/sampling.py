"""A sample of judged pairs for people to label: of every grade, over as many queries as can be."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from eval.data.collection import Qrels
from rag.errors import BadCollection, BadInput
from rag.values import Frozen

SCHEMA = "firstcite-judge-sample/1"
PAIRS = 200
"""Telling κ .3 from .5 takes about 173 pairs (reference figures of the literature)."""


@dataclass(frozen=True, slots=True)
class Stratum(Frozen):
    """Pairs that the judge gave one grade: how many there are, how many were drawn."""

    grade: int
    size: int
    drawn: int


@dataclass(frozen=True, slots=True)
class Drawn(Frozen):
    """A pair of the sample with the judge's grade, which whoever labels must not see."""

    pair_id: str
    query_id: str
    document_id: str
    grade: int


@dataclass(frozen=True, slots=True)
class Sample(Frozen):
    """Pairs drawn by the judge's grade, and what each stands for."""

    judge: str
    seed: int
    top: int
    strata: tuple[Stratum, ...]
    pairs: tuple[Drawn, ...]
    schema: str = SCHEMA

    @property
    def queries(self) -> int:
        """How many queries the pairs are of."""
        return len({pair.query_id for pair in self.pairs})


def draw(judged: Qrels, judge: str, *, top: int, pairs: int = PAIRS, seed: int = 0) -> Sample:
    """Return a sample with equal numbers of every grade, as far as there are so many.

    Within a grade each pair has the same chance, and pairs are taken at equal steps along all of
    them ordered by query, so that they come from as many queries as can be. They stand in the order
    of their ids, which tells nothing.

    Raises:
        BadInput: a grade is not on the scale, or there is no pair.
    """
    strata: dict[int, list[tuple[str, str]]] = {}
    for query_id, grades in sorted(judged.items()):
        for document_id, grade in sorted(grades.items()):
            if not 0 <= grade <= top:
                raise BadInput(
                    f"{judge}: {query_id} {document_id} has the grade {grade}: the scale is 0 to "
                    f"{top}; another is named by --top"
                )
            strata.setdefault(grade, []).append((query_id, document_id))
    if not strata:
        raise BadInput(f"{judge} grades no pair: judge some first")
    chance = np.random.default_rng(seed)
    shares = allocate({grade: len(strata[grade]) for grade in sorted(strata)}, pairs)
    found = [
        Drawn(pair_id(*pair), *pair, grade)
        for grade, count in shares.items()
        for pair in _spread(strata[grade], count, chance)
    ]
    return Sample(
        judge,
        seed,
        top,
        tuple(Stratum(grade, len(strata[grade]), count) for grade, count in shares.items()),
        tuple(sorted(found, key=lambda pair: pair.pair_id)),
    )


def allocate(sizes: Mapping[int, int], count: int) -> dict[int, int]:
    """Return how many to take of each, as equal as their sizes allow.

    >>> allocate({0: 100, 1: 3, 2: 100}, 20)
    {0: 8, 1: 3, 2: 9}
    """
    taken, left = {}, count
    for place, key in enumerate(sorted(sizes, key=lambda key: (sizes[key], key))):
        taken[key] = min(sizes[key], left // (len(sizes) - place))
        left -= taken[key]
    return {key: taken[key] for key in sizes}


def pair_id(query_id: str, document_id: str) -> str:
    """Return an id that is the same for the same pair everywhere, and tells nothing of it."""
    return hashlib.sha256(f"{query_id}\0{document_id}".encode()).hexdigest()[:10]


def _spread(
    pairs: list[tuple[str, str]], count: int, chance: np.random.Generator
) -> list[tuple[str, str]]:
    """Return so many at equal steps from a random start, queries and their pairs shuffled."""
    order = {query_id: chance.random() for query_id in dict.fromkeys(q for q, _ in pairs)}
    keys = chance.random(len(pairs))
    by_query = sorted(range(len(pairs)), key=lambda i: (order[pairs[i][0]], keys[i]))
    steps = (chance.random() + np.arange(count)) * len(pairs) / max(count, 1)
    return [pairs[by_query[int(place)]] for place in steps]


def write_sample(sample: Sample, file: Path) -> None:
    """Write what the report needs to weigh labels back; not for who labels."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(sample)) + b"\n")


def read_sample(file: Path) -> Sample:
    """Return a sample.

    Raises:
        BadCollection: no file, a damaged one, or one of another version.
    """
    try:
        sample = msgspec.json.decode(file.read_bytes(), type=Sample)
    except (OSError, msgspec.MsgspecError) as error:
        raise BadCollection(
            f"{file} is no sample: {error}; `firstcite eval judge-check sample` writes sample.json"
        ) from None
    if sample.schema != SCHEMA:
        raise BadCollection(f"{file} is {sample.schema}; this version reads {SCHEMA}")
    return sample
