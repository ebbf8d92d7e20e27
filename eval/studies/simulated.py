"""Verdicts on made-up experiments of known truth: `python -m eval.studies.simulated --out DIR`.

Values look like nDCG: between 0 and 1, skewed, with zeros, ones and ties, and queries that are easy
or hard for all systems. Each is a logistic curve of a query's ease and noise, cut to steps. Under a
null, two systems have the same law, so the true difference is 0 exactly; a planted loss moves
noise's place, and its true size is the mean over a million queries.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import NormalDist

import msgspec
import numpy as np

from eval.experiments.record import Analysis
from eval.gate import Line, Outcome, decide, overall
from eval.markdown import made_by, table
from eval.provenance import provenance
from eval.reports.comparing import Named, Values, against, pairs
from eval.reports.figures import percent, share
from eval.reports.wording import verdict
from rag.values import Frozen

MEASURE = "nDCG@10"
MARGIN = 0.03
STEPS = 50
_TRUTH = 1_000_000
_Z = 1.96


@dataclass(frozen=True, slots=True)
class Setting(Frozen):
    """Experiments of one kind: systems beside the baseline, all moved by `shift` on the logit.

    `at_margin`: the gate's margin is the true loss, the smallest that it must not pass.
    """

    name: str
    queries: int
    systems: int
    shift: float
    at_margin: bool = False


@dataclass(frozen=True, slots=True)
class Found(Frozen):
    """What was said of them, as shares of experiments.

    `better` and `worse`: the report's verdict of at least one system. `letters`: at least one pair
    differs by Tukey's test. `expected` is the power that the mean MDE promises for the true
    difference. The gate is asked about all systems at once. `covered`: the first one's interval
    holds the truth.
    """

    setting: Setting
    experiments: int
    true: float
    better: float
    worse: float
    letters: float
    covered: float
    mde: float
    expected: float
    passed: float
    regression: float
    inconclusive: float


SETTINGS = (
    *(Setting(f"null, {k} against one", n, k, 0.0) for n in (20, 50, 200) for k in (1, 4)),
    *(Setting("planted gain", n, 1, 0.6) for n in (20, 50, 200)),
    *(Setting("planted loss", n, 1, -0.6) for n in (20, 50, 200)),
    *(Setting("loss of the margin", n, 1, -0.17, at_margin=True) for n in (20, 50, 200)),
)


def values(setting: Setting, rng: np.random.Generator, queries: int = 0) -> Named:
    """Return a value of the measure for each query of a baseline and of the systems."""
    n = queries or setting.queries
    ease = rng.normal(0.2, 1.6, n)
    named = {"baseline": 0.0, **{f"system {i + 1}": setting.shift for i in range(setting.systems)}}
    return {name: {MEASURE: _scores(ease + shift, rng)} for name, shift in named.items()}


def _scores(ease: Values, rng: np.random.Generator) -> Values:
    smooth = 1 / (1 + np.exp(-(ease + rng.normal(0, 1.0, len(ease)))))
    stretched = np.clip(1.3 * smooth - 0.15, 0, 1)  # a tenth at either end, as easy queries have
    return np.asarray(np.round(stretched * STEPS) / STEPS)


def measured(setting: Setting, experiments: int, draws: int, seed: int) -> Found:
    """Return what reports and gates say of experiments of a kind."""
    true = truth(setting, seed)
    margin = -true if setting.at_margin else MARGIN
    salt = SETTINGS.index(setting) if setting in SETTINGS else 0
    said: list[tuple[float, ...]] = []
    for i in range(experiments):
        rng = np.random.default_rng([seed, salt, i])
        analysis = Analysis(measures=(MEASURE,), draws=draws, seed=int(rng.integers(2**31)))
        made = values(setting, rng)
        compared = against(made, "baseline", [MEASURE], analysis)
        verdicts = [verdict(c, analysis.alpha, analysis.correction) for c in compared]
        tukey = pairs(made, MEASURE, analysis)
        first = compared[0]
        outcome = overall([Line(decide(c, margin, analysis.alpha), "") for c in compared])
        said.append(
            (
                any(" beats " in text for text in verdicts),
                any(" worse " in text for text in verdicts),
                tukey is not None and bool((np.array(tukey.p) <= analysis.alpha).any()),
                first.low <= true <= first.high,
                first.mde or np.inf,
                *(outcome is o for o in (Outcome.PASS, Outcome.REGRESSION, Outcome.INCONCLUSIVE)),
            )
        )
    shares = [round(float(v), 4) for v in np.mean(np.array(said, dtype=float), axis=0)]
    better, worse, letters, covered, mde, *gate = shares
    return Found(
        setting, experiments, true, better, worse, letters, covered, mde, promised(true, mde), *gate
    )


def truth(setting: Setting, seed: int) -> float:
    """Return the true difference; 0 under a null, where both have the same law."""
    if not setting.shift:
        return 0.0
    made = values(setting, np.random.default_rng(seed), _TRUTH)
    return round(float((made["system 1"][MEASURE] - made["baseline"][MEASURE]).mean()), 4)


def promised(true: float, mde: float) -> float:
    """Return the power at a difference where 80 % of differences as large as the MDE are seen.

    >>> promised(.1, .1), promised(0, .1)
    (0.8, 0.025)
    """
    normal = NormalDist()
    return round(normal.cdf(abs(true) / mde * (_Z + normal.inv_cdf(0.8)) - _Z), 3)


def error(share_: float, experiments: int) -> float:
    """Return two standard errors of a share, which chance alone explains."""
    return float(2 * np.sqrt(share_ * (1 - share_) / experiments))


def shown(found: Sequence[Found]) -> list[str]:
    """Return the findings as a table."""
    head = [
        "experiments",
        "queries",
        "true Δ",
        "beats",
        "is worse",
        "a letter",
        "interval holds Δ",
        "mean MDE",
        "power promised",
        "gate: pass",
        "regression",
        "inconclusive",
    ]
    rows = [
        [
            f.setting.name,
            str(f.setting.queries),
            share(f.true),
            percent(f.better),
            percent(f.worse),
            percent(f.letters),
            percent(f.covered),
            share(f.mde),
            percent(f.expected) if f.true else "",
            percent(f.passed),
            percent(f.regression),
            percent(f.inconclusive),
        ]
        for f in found
    ]
    return table(head, rows)


def to_markdown(
    report: Mapping[str, object], found: Sequence[Found], where: Mapping[str, object]
) -> str:
    """Return the study as Markdown."""
    n = found[0].experiments
    about = (
        f"{n:,} experiments a row, {report['draws']} draws each, margin {share(MARGIN)}. Of {n:,} "
        f"experiments, 5 % is {percent(0.05 - error(0.05, n))} to {percent(0.05 + error(0.05, n))} "
        "by chance. Under 30 queries no difference counts, whatever its p, and no letters are "
        "given. “beats” and “is worse”: the report says so of at least one system (Holm). The gate "
        "is asked about all systems at once; in the last rows its margin is the true loss."
    )
    lines = [
        "# Verdicts on simulated experiments",
        "",
        about,
        "",
        *shown(found),
        "",
        made_by(where),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Simulate, and write `simulated.json` and `simulated.md`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--experiments", type=int, default=1_000)
    parser.add_argument("--draws", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    where = provenance()
    found = []
    for setting in SETTINGS:
        found.append(measured(setting, options.experiments, options.draws, options.seed))
        sys.stdout.write(f"{setting.name}, {setting.queries} queries\n")
    report = {
        "draws": options.draws,
        "margin": MARGIN,
        "found": [asdict(each) for each in found],
        "provenance": where,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    encoded = msgspec.json.format(msgspec.json.encode(report))
    (options.out / "simulated.json").write_bytes(encoded + b"\n")
    (options.out / "simulated.md").write_text(to_markdown(report, found, where), encoding="utf-8")


if __name__ == "__main__":
    main()
