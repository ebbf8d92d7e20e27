"""What a stage made of queries, kept on disk: a JSON object a line, whole or not there."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import TypeAlias

import msgspec

from eval.experiments.record import StageCost
from rag.values import Ranking

Place: TypeAlias = tuple[str, str, float]
"""Chunk, document and score of a candidate."""


class Made(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a stage made of one query.

    Stages that search give `rankings` by branch, and the weights of branches that an expansion
    added; those after the fusion `order`, best first. `before` are the documents as a reranker was
    given them. With an `error` there is nothing else, and nothing of it is kept.
    """

    asked: str = ""
    costs: tuple[StageCost, ...] = ()
    rankings: dict[str, Ranking] = {}
    weights: dict[str, float] = {}
    order: tuple[Place, ...] = ()
    before: tuple[str, ...] = ()
    missing: int = 0
    malformed: int = 0
    error: str = ""

    @property
    def whole(self) -> bool:
        """Whether all went well: what failed is tried again by the next run."""
        return not self.error and all(cost.status != "failed" for cost in self.costs)


def named(text: str) -> str:
    """Return the name of a query's text.

    >>> named("cat") == named("cat"), len(named("dog"))
    (True, 24)
    """
    return hashlib.sha256(text.encode()).hexdigest()[:24]


class Shelf:
    """The file of one stage, open to be added to.

    Args:
        file: begins with a line that says what the stage is.
        about: that line, where the file is new.
    """

    def __init__(self, file: FileIO, about: Mapping[str, object]) -> None:
        self._file = file
        self.made: dict[str, Made] = {}
        self.about = dict(about)
        if not self._read():
            self._write(msgspec.json.encode(self.about))

    def add(self, made: Made) -> None:
        """Keep what was made of a query."""
        self.made[made.asked] = made
        self._write(msgspec.json.encode(made))

    def _read(self) -> bool:
        """Read what is there; what a killed run has left of a line is cut away."""
        self._file.seek(0)
        text = self._file.readall()
        whole = text.rfind(b"\n") + 1
        self._file.truncate(whole)
        self._file.seek(whole)
        lines = text[:whole].splitlines()
        if lines:
            self.about = msgspec.json.decode(lines[0], type=dict)
        for line in lines[1:]:
            made = msgspec.json.decode(line, type=Made)
            self.made[made.asked] = made
        return bool(lines)

    def _write(self, line: bytes) -> None:
        self._file.write(line + b"\n")


@contextmanager
def shelf(folder: Path, key: str, about: Mapping[str, object]) -> Iterator[Shelf]:
    """Give the file of a stage."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{key}.jsonl"
    file.touch()
    with file.open("r+b", buffering=0) as opened:
        yield Shelf(opened, about)
