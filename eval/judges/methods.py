"""The judges that grade, by name: data, so that a new one is a row."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from eval.judges.calibration import CRITERIA_SUM, ROUNDED, Thresholds
from eval.judges.grading import criteria, expected, graded, judge_prompt, two_step
from eval.judges.steps import Grader
from rag.values import Frozen


@dataclass(frozen=True, slots=True)
class Row(Frozen):
    """A judge: how it grades, and the prompts that it is made of.

    Args:
        grader: made with the thresholds that turn its score into a grade.
        prompts: the files that it is made of, in `eval/judges/prompts/`.
        thresholds: those it has where none are fitted; None for a judge that names its grade.
    """

    grader: Callable[[Thresholds], Grader]
    prompts: tuple[str, ...]
    thresholds: Thresholds | None = None

    @property
    def hash(self) -> str:
        """The first 16 digits of the SHA-256 of all its prompts."""
        each = "".join(judge_prompt(name).hash for name in self.prompts)
        return hashlib.sha256(each.encode()).hexdigest()[:16]


JUDGES: Mapping[str, Row] = {
    "graded": Row(lambda _: graded, ("graded", "reply-score", "reply-digit")),
    "two-step": Row(
        lambda _: two_step, ("gate", "second-step", "reply-yes-no", "reply-score", "reply-digit")
    ),
    "criteria": Row(criteria, ("criterion", "criteria", "reply-digit"), CRITERIA_SUM),
    "expected": Row(expected, ("expected", "reply-digit"), ROUNDED),
}
"""Judges by the name that commands use."""
