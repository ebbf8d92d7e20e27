"""The point that is worth taking, by a rule that was there before the figures were."""

from dataclasses import dataclass

from eval.statistics import Comparison, compare
from eval.tuning.definition import Limits, Study
from eval.tuning.searching import BASELINE, front
from eval.tuning.values import Figures, Found, Trial
from rag.values import Frozen

RULE = (
    "Of the points that are not dominated and keep the limits on the tuning queries, the one of "
    "the best quality. It is written if it keeps them on the held-out queries, too, and the "
    "interval of its paired difference to the baseline there lies above 0; or if the baseline "
    "itself breaks a limit."
)


@dataclass(frozen=True, slots=True)
class Verdict(Frozen):
    """The trial that is written, None for none, and why."""

    trial: Trial | None
    why: str


def choose(study: Study, found: Found) -> Verdict:
    """Return the point that is worth taking (`RULE`)."""
    limits, baseline = study.table.limits, found.trials[BASELINE]
    within = [
        trial
        for trial in front(study, found.trials)
        if trial.number != BASELINE and not broken(limits, trial.figures)
    ]
    if not within:
        return Verdict(None, "no point that keeps the limits is undominated but the baseline")
    best = max(within, key=lambda trial: (trial.figures.mean_quality, -trial.figures.p95_ms))
    name = f"trial {best.number}"
    held_out = found.held_out[best.number]
    if held_out.error:
        return Verdict(
            None, f"{name} cannot be evaluated on the held-out queries: {held_out.error}"
        )
    if over := broken(limits, held_out):
        return Verdict(None, f"{name} is best, and on the held-out queries {over}")
    told = _told(study, found, best)
    if over := broken(limits, baseline.figures):
        return Verdict(best, f"of the baseline {over}; {name} keeps the limits, and its {told}")
    if best.figures.mean_quality <= baseline.figures.mean_quality:
        return Verdict(
            None, f"no point that keeps the limits is above the baseline; {name} is next"
        )
    if difference(study, found, best).low <= 0:
        return Verdict(
            None, f"{name} is best, but no better than the baseline beyond noise: its {told}"
        )
    return Verdict(best, f"{name} is better than the baseline beyond noise: its {told}")


def difference(study: Study, found: Found, trial: Trial) -> Comparison:
    """Return a trial's quality against the baseline's, paired by held-out query."""
    return versus(study, found.held_out[BASELINE], found.held_out[trial.number])


def versus(study: Study, baseline: Figures, other: Figures) -> Comparison:
    """Return one's quality against the baseline's, paired by query."""
    return compare(baseline.quality, other.quality, seed=study.table.seed)


def broken(limits: Limits, figures: Figures) -> str:
    """Return what goes beyond a limit; "" where nothing does."""
    if limits.p95_ms and figures.p95_ms > limits.p95_ms:
        return f"p95 is {figures.p95_ms:,.1f} ms, above the limit of {limits.p95_ms:g}"
    if limits.cost and figures.cost_per_1000 > limits.cost:
        return f"1,000 queries cost {figures.cost_per_1000:.4g}, above the limit of {limits.cost:g}"
    return ""


def _told(study: Study, found: Found, trial: Trial) -> str:
    of = difference(study, found, trial)
    return (
        f"{study.table.objectives.quality} differs by {of.difference:+.4f} "
        f"[{of.low:+.4f}, {of.high:+.4f}] on {of.n:,} held-out queries"
    )
