"""What each judge asks about one case: one pair of query and passage per call, temperature 0."""

from collections.abc import Mapping

from eval.judges.calibration import CRITERIA_SUM, ROUNDED, Thresholds
from eval.judges.reading import DIGITS, EXPECTED, SCORE, USEFUL, YES_NO, Parser
from eval.judges.steps import Attempt, Graded, Grader, Grading, Step
from rag.prompts import PromptFile, prompt
from rag.values import Case, Choose, Complete, Prompt

LINE_TOKENS = 24  # chosen: "##final score: 3" has 8; a model that first repeats the line has 20
GATE_TOKENS = 1  # "yes", "No": a local model reads the gates of many cases together
WORD_TOKENS = 6  # chosen: "**Yes**", "Grade: 2"


def judge_prompt(name: str) -> PromptFile:
    """Return a prompt of the judges."""
    return prompt(name, "eval.judges.prompts")


def filled(name: str, case: Case, reply: str, **texts: str) -> Prompt:
    """Return a prompt about a case that wants one kind of reply."""
    (wanted,) = judge_prompt(f"reply-{reply}").turns
    return judge_prompt(name).fill(
        query=case.query, passage=case.text, reply=wanted.content, **texts
    )


def _digit(name: str, case: Case, parser: Parser = SCORE, **texts: str) -> Attempt:
    """Ask for a digit, written: the shortest contract."""
    return Attempt(Complete(filled(name, case, "digit", **texts), WORD_TOKENS), parser)


def _line(name: str, case: Case, parser: Parser = SCORE) -> Attempt:
    return Attempt(Complete(filled(name, case, "score"), LINE_TOKENS), parser)


def _likely(name: str, case: Case, **texts: str) -> Attempt:
    """Ask how likely each digit is: nothing to parse."""
    return Attempt(Choose(filled(name, case, "digit", **texts), DIGITS), EXPECTED)


def graded(case: Case) -> Grading:
    """Grade in one call, with the structure of UMBRELA (Upadhyay et al., arXiv 2406.06519)."""
    (value,) = yield [Step("grade", _line("graded", case), _digit("graded", case))]
    return Graded(_whole(value), value)


def two_step(case: Case) -> Grading:
    """Grade 0 what is of no use; only the rest is asked about again, and graded 1 to 3.

    The two steps of RMIT's label sets in LLMJudge (Rahmani et al., arXiv 2502.13908).
    """
    asked = Complete(filled("gate", case, "yes-no"), GATE_TOKENS)
    # Greedy, it would repeat itself: the second way is drawn.
    again = Complete(filled("gate", case, "yes-no"), WORD_TOKENS, temperature=0.7, seed=1)
    (use,) = yield [Step("gate", Attempt(asked, YES_NO), Attempt(again, YES_NO))]
    if not use:
        return Graded(_whole(use), use, {} if use is None else {"gate": use})
    line, digit = _line("second-step", case, USEFUL), _digit("second-step", case, USEFUL)
    (value,) = yield [Step("grade", line, digit)]
    return Graded(_whole(value), value, {"gate": use})


def expected(thresholds: Thresholds = ROUNDED) -> Grader:
    """Grade by the expected grade under the probabilities of the digits, rounded, or calibrated."""

    def grade(case: Case) -> Grading:
        (value,) = yield [Step("grade", _likely("expected", case), _digit("expected", case))]
        return Graded(None if value is None else thresholds.grade(value), value)

    return grade


def criteria(thresholds: Thresholds = CRITERIA_SUM) -> Grader:
    """Grade by the sum of four criteria, each an expected value 0 to 3 of a call of its own.

    Exactness, coverage, topicality, contextual fit: Farzi and Dietz, arXiv 2410.14044.
    """

    def grade(case: Case) -> Grading:
        values = yield [
            Step(
                name,
                _likely("criterion", case, criterion=text),
                _digit("criterion", case, criterion=text),
            )
            for name, text in _criteria().items()
        ]
        read = {n: v for n, v in zip(_criteria(), values, strict=True) if v is not None}
        if len(read) < len(values):
            return Graded(None, None, read)
        score = sum(read.values())
        return Graded(thresholds.grade(score), score, read)

    return grade


def _criteria() -> Mapping[str, str]:
    """Return the criteria's texts by name, which is what stands before the first full stop."""
    texts = [turn.content for turn in judge_prompt("criteria").turns]
    return {text.partition(".")[0].lower(): text for text in texts}


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
