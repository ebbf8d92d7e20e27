"""What must be read before any figure: why a report decides nothing, or calls for care."""

from collections.abc import Iterator, Sequence

from eval.checking.circularity import conflicts
from eval.experiments.record import Experiment
from eval.reports.figures import count, percent
from eval.reports.schema import CollectionReport, Notice, System
from eval.reports.wording import FEW

JUDGED = 0.90
JUDGED_AT = "Judged@10"
JUDGE_FAILURES = 0.01
MANY = 4  # systems that are not named one by one


def notices(experiment: Experiment, collections: Sequence[CollectionReport]) -> tuple[Notice, ...]:
    """Return all notices, red ones first."""
    found = [*_of_judges(experiment), *_of_experiment(experiment, collections)]
    for collection in collections:
        found += _of_collection(collection)
    return tuple(sorted(found, key=lambda notice: notice.level != "red"))


def _of_judges(experiment: Experiment) -> Iterator[Notice]:
    for source, judge in experiment.judges.items():
        for conflict in conflicts(judge, experiment.systems):
            yield Notice(conflict.severity, f"Judge {source}: {conflict.message}.")
    for source, share in experiment.judge_failures.items():
        if share > JUDGE_FAILURES:
            yield Notice(
                "red",
                f"{source} gave no valid grade to {percent(share)} of the pairs it was asked for "
                f"(at most {percent(JUDGE_FAILURES)} are sound).",
            )


def _of_experiment(
    experiment: Experiment, collections: Sequence[CollectionReport]
) -> Iterator[Notice]:
    commit = str(experiment.provenance.get("commit", ""))
    if not commit or commit.endswith("-dirty"):
        state = "The code had changes that are in no commit" if commit else "No commit is known"
        yield Notice("amber", f"{state}: the figures may not be made again.")
    systems = [system for collection in collections for system in collection.systems]
    cached = _names(s for s in systems if s.cost is not None and s.cost.cached)
    if cached:
        yield Notice(
            "amber", f"A cache answered calls of {cached}: those queries are in no latency."
        )
    unpriced = _names(s for s in systems if s.cost is not None and s.cost.price is None)
    if unpriced:
        yield Notice("amber", f"No price is known for the tokens of {unpriced}.")


def _of_collection(of: CollectionReport) -> Iterator[Notice]:
    if len(of.queries) < FEW:
        yield Notice(
            "red",
            f"{of.name} has {count(len(of.queries))} queries: under {FEW}, no difference counts.",
        )
    few = [s for s in of.systems if s.means[JUDGED_AT].mean < JUDGED]
    if few:
        yield Notice(
            "red",
            f"{of.name}: under {percent(JUDGED)} of the first ten are judged in "
            f"{_shares(of, few)}: what is unjudged counts as not relevant.",
        )
    failed = [s for s in of.systems if s.failed]
    if failed:
        shares = ", ".join(f"{s.name} ({count(s.failed)})" for s in failed)
        yield Notice("red", f"{of.name}: queries failed, and count 0, in {shares}.")


def _shares(of: CollectionReport, few: Sequence[System]) -> str:
    """Return systems with what share of each is judged; all of many are told together."""
    shares = {system.name: system.means[JUDGED_AT].mean for system in few}
    if len(few) == len(of.systems) >= MANY:
        low, high = min(shares.values()), max(shares.values())
        return f"all systems ({percent(low)} to {percent(high)})"
    return ", ".join(f"{name} ({percent(share)})" for name, share in shares.items())


def _names(systems: Iterator[System]) -> str:
    return ", ".join(dict.fromkeys(system.name for system in systems))
