"""From what a judge computed to a grade: thresholds, by default or fitted on human labels.

Sums of criteria overrate by half a grade and more where nobody calibrates them (Farzi and Dietz,
arXiv 2507.09488).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import msgspec

from rag.errors import BadInput
from rag.values import Frozen

_LEAST = 30  # chosen: pairs; fewer say next to nothing about four grades


@dataclass(frozen=True, slots=True)
class Thresholds(Frozen):
    """The least scores that have the grades 1, 2 and 3: they never fall.

    Args:
        least: infinity where a grade is never given.
        fitted: on so many human labels; 0 is nobody's.
        judge: whose scores, "" for anybody's.
    """

    least: tuple[float, float, float]
    fitted: int = 0
    judge: str = ""

    def grade(self, score: float) -> int:
        """Return the grade of a score.

        >>> [ROUNDED.grade(score) for score in (0.4, 0.5, 2.49, 3.0)]
        [0, 1, 2, 3]
        """
        return sum(score >= one for one in self.least)


ROUNDED = Thresholds((0.5, 1.5, 2.5))
CRITERIA_SUM = Thresholds((5.0, 7.0, 10.0))
"""Not calibrated, chosen: 10 to 12 points are 3, 7 to 9 are 2, 5 and 6 are 1."""


def isotonic(scores: Sequence[float], grades: Sequence[float]) -> list[tuple[float, float]]:
    """Return (least score, mean grade) of the steps of the rising function nearest to the grades.

    Pool adjacent violators: neighbours that fall are joined to their mean. Ayer et al., Annals of
    Mathematical Statistics 1955.

    >>> isotonic([1.0, 2.0, 3.0, 4.0], [0.0, 2.0, 1.0, 3.0])
    [(1.0, 0.0), (2.0, 1.5), (4.0, 3.0)]
    """
    steps: list[tuple[float, float, int]] = []  # least score, sum of grades, how many
    pairs = sorted(zip(scores, grades, strict=True))
    for score, tied in groupby(pairs, key=lambda pair: pair[0]):
        each = [grade for _, grade in tied]
        step = (score, sum(each), len(each))
        while steps and steps[-1][1] * step[2] >= step[1] * steps[-1][2]:
            before = steps.pop()
            step = (before[0], before[1] + step[1], before[2] + step[2])
        steps.append(step)
    return [(score, total / count) for score, total, count in steps]


def fit(judge: str, scores: Sequence[float], grades: Sequence[int]) -> Thresholds:
    """Return the thresholds where the isotonic mean grade passes .5, 1.5 and 2.5.

    Raises:
        BadInput: fewer than 30 pairs.
    """
    if len(scores) < _LEAST:
        raise BadInput(
            f"{len(scores)} pairs have a score and a human label, {_LEAST} are needed to fit "
            "thresholds: judge more labelled pairs"
        )
    steps = isotonic(scores, grades)
    first, second, third = (
        min((score for score, mean in steps if mean >= cut), default=math.inf)
        for cut in ROUNDED.least
    )
    return Thresholds((first, second, third), len(scores), judge)


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """The file as it stands; null is a grade that is never given."""

    kind: str
    judge: str
    fitted: int
    least: tuple[float | None, float | None, float | None]


_KIND = "firstcite-judge-thresholds/1"


def write_thresholds(thresholds: Thresholds, file: Path) -> None:
    """Write thresholds to a small JSON file."""
    first, second, third = (one if math.isfinite(one) else None for one in thresholds.least)
    made = _File(_KIND, thresholds.judge, thresholds.fitted, (first, second, third))
    file.write_bytes(msgspec.json.format(msgspec.json.encode(made)) + b"\n")


def read_thresholds(file: Path, judge: str) -> Thresholds:
    """Return the thresholds of a file.

    Raises:
        BadInput: it is missing or damaged, its thresholds fall, or they are another judge's.
    """
    try:
        found = msgspec.json.decode(file.read_bytes(), type=_File)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} holds no thresholds: {error}: fit them with --fit") from None
    first, second, third = (math.inf if one is None else one for one in found.least)
    if found.kind != _KIND or not first <= second <= third:
        raise BadInput(f"{file} is damaged, or of another version: fit again with --fit")
    if found.judge != judge:
        raise BadInput(f"{file} was fitted for the judge {found.judge}, not {judge}: fit another")
    return Thresholds((first, second, third), found.fitted, found.judge)
