"""A gate for continuous integration: what a candidate's report says beside a baseline's.

With Δ = candidate − baseline on the primary measure, paired by query, and `margin` the loss that
is still none:

- regression: mean Δ < 0, p (two-sided, Holm over all that is gated) ≤ α, and Δ's interval reaches
  down to −margin or below. With no true loss this is said α / 2 of the time at most.
- pass: the interval lies above −margin (non-inferiority). With a true loss of `margin` this is
  said α / 2 of the time, and up to α with few queries, where bootstrap intervals are narrow
  (`eval/results/simulated`).
- inconclusive: all else. Too few queries to tell.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from eval.compare import Beside, compare
from eval.reports.figures import count, interval, p_value, percent, share, signed
from eval.reports.schema import Compared, Mean, Report
from eval.reports.wording import seen
from rag.errors import BadInput
from rag.values import Frozen


class Outcome(IntEnum):
    """What a gate says, as the exit code of `firstcite eval gate`."""

    PASS = 0
    REGRESSION = 1
    INCONCLUSIVE = 2
    BAD_DATA = 3
    JUDGE_FAILURES = 4


@dataclass(frozen=True, slots=True)
class Line(Frozen):
    """What was looked at, and what came of it."""

    outcome: Outcome
    text: str


@dataclass(frozen=True, slots=True)
class Rule(Frozen):
    """What a candidate must keep to; `floors` are the least means by measure."""

    margin: float
    floors: Mapping[str, float]
    systems: tuple[str, ...] = ()
    judge_failures: float = 0.01


def gate(baseline: Report, candidate: Report, rule: Rule) -> tuple[Line, ...]:
    """Return a line for everything that the rule looks at.

    Raises:
        BadInput: as `compare`; queries of the baseline are missing, or a floor's measure is
            unknown.
    """
    strict = replace(baseline.analysis, correction="holm")
    found = compare(replace(baseline, analysis=strict), candidate, systems=rule.systems)
    for each in found:
        _complete(each)
    return (
        *_judges(candidate, rule),
        *(
            _line(each.collection, c, rule.margin, strict.alpha)
            for each in found
            for c in each.compared
        ),
        *_floors(candidate, found, rule),
    )


def overall(lines: Sequence[Line]) -> Outcome:
    """Return the worst of all lines: judge failures, then a regression, then what is inconclusive.

    >>> overall([Line(Outcome.INCONCLUSIVE, ""), Line(Outcome.REGRESSION, "")]).name
    'REGRESSION'
    """
    order = (Outcome.JUDGE_FAILURES, Outcome.REGRESSION, Outcome.INCONCLUSIVE)
    said = {line.outcome for line in lines}
    return next((outcome for outcome in order if outcome in said), Outcome.PASS)


def decide(found: Compared, margin: float, alpha: float) -> Outcome:
    """Return what a comparison of candidate and baseline shows.

    >>> made = Compared("AP", "b", "a", 99, -.03, -.05, -.01, .001, .001, -.4, 9, 0, 90, .02, "t")
    >>> decide(made, .01, .05).name, decide(made, .06, .05).name
    ('REGRESSION', 'PASS')
    """
    if found.low > -margin:
        return Outcome.PASS
    if found.difference < 0 and found.adjusted <= alpha:
        return Outcome.REGRESSION
    return Outcome.INCONCLUSIVE


def _line(collection: str, found: Compared, margin: float, alpha: float) -> Line:
    outcome = decide(found, margin, alpha)
    why = {
        Outcome.PASS: f"the loss is below the margin of {share(margin)}",
        Outcome.REGRESSION: f"worse, p (Holm) {p_value(found.adjusted)}",
        Outcome.INCONCLUSIVE: f"a loss of {share(margin)} is neither shown nor ruled out; "
        f"{seen(found.mde)}",
    }[outcome]
    return Line(
        outcome,
        f"{collection}, {found.system}: {signed(found.difference)} {found.measure} "
        f"{interval(found.low, found.high)}, {count(found.n)} queries: {why}",
    )


def _complete(found: Beside) -> None:
    lacking = [text for text in found.only_baseline if "queries" in text]
    if lacking:
        raise BadInput(
            f"{found.collection}: the candidate lacks {lacking[0]} of the baseline: run it on all"
        )


def _judges(candidate: Report, rule: Rule) -> Iterator[Line]:
    for source, failed in candidate.judge_failures.items():
        if failed > rule.judge_failures:
            yield Line(
                Outcome.JUDGE_FAILURES,
                f"judge {source} gave no valid grade to {percent(failed)} of its pairs; at most "
                f"{percent(rule.judge_failures)} may fail",
            )


def _floors(candidate: Report, found: Sequence[Beside], rule: Rule) -> Iterator[Line]:
    gated = {(each.collection, c.system) for each in found for c in each.compared}
    for measure, floor in rule.floors.items():
        for collection in candidate.collections:
            for system in collection.systems:
                if (collection.name, system.name) not in gated:
                    continue
                if measure not in system.means:
                    raise BadInput(
                        f"{collection.name} has no {measure} for the floor; it has "
                        f"{', '.join(system.means)}"
                    )
                mean = system.means[measure]
                yield Line(
                    below(mean, floor),
                    f"{collection.name}, {system.name}: {measure} {share(mean.mean)} "
                    f"{interval(mean.low, mean.high)}, floor {share(floor)}",
                )


def below(mean: Mean, floor: float) -> Outcome:
    """Return whether a mean keeps to a floor; one below it by chance alone is inconclusive.

    >>> below(Mean(.7, .6, .8), .75).name, below(Mean(.7, .65, .74), .75).name
    ('INCONCLUSIVE', 'REGRESSION')
    """
    if mean.mean >= floor:
        return Outcome.PASS
    return Outcome.REGRESSION if mean.high < floor else Outcome.INCONCLUSIVE
