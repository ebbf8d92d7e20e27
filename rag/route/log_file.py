"""A log of outcomes as a file: JSON lines that people can read, each vector at the end of its line.

The first line says what the file is and which encoder made the vectors. They are kept so that
nobody waits for a log to be encoded, and in base64 (float32, little-endian), so that the very same
are read back.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from rag.errors import BadInput, BadSettings
from rag.route.neighbours import Neighbours, known
from rag.route.silver import Outcome
from rag.seams import Encoder
from rag.values import Frozen, Vector

_REMEDY = "log again: firstcite route train --kind neighbours"


@dataclass(frozen=True, slots=True, eq=False)
class Log(Frozen):
    """Outcomes, n of them, with the vectors of their questions.

    Args:
        encoder: fingerprint of what made the vectors.
        outcomes: in their order; only the question and what was right are kept in a file.
        vectors: a unit row per question, (n, h).
    """

    encoder: str
    outcomes: tuple[Outcome, ...]
    vectors: Vector  # (n, h)

    @property
    def neighbours(self) -> Neighbours:
        """The log as a router asks it."""
        return known(self.outcomes, self.vectors)

    def __str__(self) -> str:
        """Return for people whether searches helped."""
        helped = self.neighbours.helped.tolist()
        counts = ((helped.count(1), "helped"), (helped.count(-1), "did harm"))
        told = ", ".join(f"{what} {count}" for count, what in counts)
        return f"{len(helped)} questions: a search {told}, made no difference to {helped.count(0)}"


class _Head(msgspec.Struct, forbid_unknown_fields=True):
    """The first line."""

    kind: Literal["neighbours"]
    format: Literal[1]
    encoder: str


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    """A question: what answered it, and its vector."""

    question: str
    a: bool = msgspec.field(name="A")
    b: bool = msgspec.field(name="B")
    c: bool = msgspec.field(name="C")
    vector: str


async def logged(outcomes: Sequence[Outcome], encoder: Encoder) -> Log:
    """Return outcomes as a log.

    Raises:
        BadInput: there is none.
    """
    if not outcomes:
        raise BadInput("the file holds no outcomes: log some questions first")
    vectors = await encoder.encode([one.question for one in outcomes], "query")
    return Log(encoder.spec.fingerprint, tuple(outcomes), vectors)


def write_log(log: Log, path: Path) -> None:
    """Write a log to a file, over one that is there.

    Raises:
        BadInput: the file cannot be written.
    """
    rows = [_Head("neighbours", 1, log.encoder), *map(_line, log.outcomes, log.vectors)]
    try:
        path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}: name a file that can be written") from None


def read_log(path: Path) -> Log:
    """Return the log of a file.

    Raises:
        BadSettings: the file is missing, is no such log, or is damaged.
    """
    try:
        first, *lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").splitlines()
        head = msgspec.json.decode(first, type=_Head)
        rows = [msgspec.json.decode(line, type=_Line) for line in lines if line.strip()]
        vectors = np.stack([_vector(row.vector) for row in rows])  # (n, h)
        log = Log(head.encoder, tuple(map(_outcome, rows)), vectors)
        _ = log.neighbours  # refuses what is not finite
    except OSError as error:
        raise BadSettings(f"{path}: {error.strerror}: {_REMEDY}") from None
    except (ValueError, RecursionError, BadInput) as error:  # of msgspec, base64 and NumPy
        raise BadSettings(f"{path} is no log of a router: {error}: {_REMEDY}") from None
    return log


def _line(outcome: Outcome, vector: Vector) -> _Line:
    right = [outcome.right.get(kind, False) for kind in ("A", "B", "C")]
    data = base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return _Line(outcome.question, right[0], right[1], right[2], data)


def _outcome(row: _Line) -> Outcome:
    return Outcome(row.question, {"A": row.a, "B": row.b, "C": row.c})


def _vector(data: str) -> Vector:
    return np.frombuffer(base64.b64decode(data, validate=True), "<f4").astype(np.float32)
