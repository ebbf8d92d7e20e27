"""Silver labels: which kind each question of one's own was, told by what answered it.

Adaptive-RAG (Jeong et al., NAACL 2024, arXiv 2403.14403): every question is answered without a
search, with one, and in steps; its label is the cheapest way that was right. One that none
answered is labelled by its set: questions of one hop B, of several C; without a set it is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from rag.errors import BadInput
from rag.route.routes import KINDS, Kind
from rag.values import Frozen, is_unicode

Hops = Literal["single", "multi", ""]

_BIAS: Mapping[Hops, Kind] = {"single": "B", "multi": "C"}
_SHAPE = (
    '{"question": "…", "A": true, "B": true, "C": false, "hops": "single", "scores": [0.7, 0.2]}, '
    "hops and scores where they are known"
)


@dataclass(frozen=True, slots=True)
class Outcome(Frozen):
    """How the three ways did on a question.

    Args:
        question: as it was asked.
        right: whether each kind of route led to a right answer; one that is missing did not.
        hops: the set the question is from, "" where that is not known.
        scores: of the first search's hits, () where they were not kept.
    """

    question: str
    right: Mapping[Kind, bool]
    hops: Hops = ""
    scores: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Labelled(Frozen):
    """An outcome and the kind that it tells its question is."""

    outcome: Outcome
    kind: Kind


@dataclass(frozen=True, slots=True)
class Silver(Frozen):
    """Labelled outcomes in their order, and how they got their labels.

    `solved` counts those of each kind by what answered them, `biased` those by their set;
    `left_out` those that nothing labels.
    """

    labelled: tuple[Labelled, ...]
    solved: Mapping[Kind, int]
    biased: Mapping[Kind, int]
    left_out: int


def silver(outcomes: Sequence[Outcome]) -> Silver:
    """Return the outcomes with their labels.

    >>> made = silver([Outcome("q", {"B": True, "C": True}), Outcome("r", {}, "multi")])
    >>> [labelled.kind for labelled in made.labelled], made.solved["B"], made.biased["C"]
    (['B', 'C'], 1, 1)
    """
    solved, biased = dict.fromkeys(KINDS, 0), dict.fromkeys(KINDS, 0)
    labelled = []
    for outcome in outcomes:
        cheapest = next((kind for kind in KINDS if outcome.right.get(kind)), None)
        kind = cheapest or _BIAS.get(outcome.hops)
        if kind:
            labelled.append(Labelled(outcome, kind))
            (solved if cheapest else biased)[kind] += 1
    return Silver(tuple(labelled), solved, biased, len(outcomes) - len(labelled))


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    """A line of the file of outcomes."""

    question: str
    a: bool = msgspec.field(name="A")
    b: bool = msgspec.field(name="B")
    c: bool = msgspec.field(name="C")
    hops: Hops = ""
    scores: tuple[float, ...] = ()


def read_outcomes(path: Path) -> tuple[Outcome, ...]:
    """Return the outcomes of a JSON-lines file; empty lines are passed over.

    Raises:
        BadInput: the file cannot be read, or a line is no outcome; it names the line.
    """
    try:
        lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}: name a readable file of outcomes") from None
    return tuple(
        _outcome(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip()
    )


def _outcome(line: bytes, where: str) -> Outcome:
    try:
        read = msgspec.json.decode(line, type=_Line)
    except ValueError as error:  # of UTF-8, and msgspec's own
        raise BadInput(f"{where}: {error}: write {_SHAPE}") from None
    if not read.question.strip() or not is_unicode(read.question):
        raise BadInput(f"{where}: the question is empty or no Unicode: write it, or drop the line")
    return Outcome(read.question, {"A": read.a, "B": read.b, "C": read.c}, read.hops, read.scores)
