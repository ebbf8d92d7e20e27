"""The page of the judges: who they are, and how far their grades can stand for people's."""

from collections.abc import Iterator

from eval.agreement.resampling import Interval
from eval.checking.record import JudgeCheck, Probes
from eval.reports.blocks import Banner, Block, Cell, Figure, Section, Table
from eval.reports.charts.agreement import bland_altman, heat_map
from eval.reports.figures import UNKNOWN, count, percent, share
from eval.reports.schema import Report


def judging(report: Report) -> Iterator[Section]:
    """Yield the section of the judges, and that of a check, where there are any."""
    if report.judges:
        yield Section("Judges", [_lineages(report)])
    if report.judge_check is not None:
        check = report.judge_check
        yield Section(f"Judge check: {check.judge}", list(_verdict(check)))
        yield Section("Agreement with people", list(_agreement(check)), 3)
        more = [*_people(check), *_systems(check), *_estimates(check)]
        if more:
            yield Section("Whom it can stand for", more, 3)
        if check.probes is not None:
            yield Section("Probes", list(_probes(check.probes)), 3)


def _lineages(report: Report) -> Table:
    return Table(
        "Models that judged",
        ("source", "model", "family", "prompt", "without a valid grade"),
        tuple(
            (
                source,
                judge.model,
                judge.family,
                judge.prompt[:12] or UNKNOWN,
                _percent(report.judge_failures.get(source)),
            )
            for source, judge in report.judges.items()
        ),
        labels=4,
    )


def _verdict(check: JudgeCheck) -> Iterator[Block]:
    told = (
        f"{check.verdict}: {count(sum(gate.passed for gate in check.gates))} of "
        f"{count(len(check.gates))} gates passed, on {count(check.pairs)} pairs of "
        f"{count(check.queries)} queries."
    )
    warnings = (*check.warnings, *(conflict.message for conflict in check.conflicts))
    sound = check.verdict == "GO" and all(c.severity != "red" for c in check.conflicts)
    yield Banner("plain" if sound else "red", (told, *warnings))
    yield Table(
        "What a judge must be able to do",
        ("gate", "wanted", "found", "passed"),
        tuple((g.name, g.wanted, g.found, _passed(g.passed, g.known)) for g in check.gates),
        labels=4,
    )
    left_out = {**{why: count(n) for why, n in check.left_out.items()}, **check.missing}
    if left_out:
        yield Table("Left out, and not computed", ("what", "is"), tuple(left_out.items()), labels=2)


def _passed(passed: bool, known: bool) -> Cell:
    return Cell("yes" if passed else "no" if known else "not computed", strong=not passed)


def _agreement(check: JudgeCheck) -> Iterator[Block]:
    found = check.agreement
    rows = (
        ("κ", found.kappa),
        (f"κ, relevant from grade {check.cut}", found.kappa_binary),
        ("κ, linear weights", found.kappa_linear),
        ("κ, quadratic weights", found.kappa_quadratic),
        ("α, ordinal", found.alpha_ordinal),
        ("bias (judge − people)", found.bias),
        ("absolute error", found.absolute_error),
        ("the same grade", found.exact),
    )
    note = "The sample was weighed back. " if found.weighted else ""
    yield Table(
        "How the judge's grades agree with people's",
        ("figure", "value", "low", "high"),
        tuple((name, *_ends(value)) for name, value in rows),
        note=f"{note}Intervals are over queries: pairs of one query are no independent evidence.",
    )
    grades = [str(grade) for grade in range(len(found.table))]
    caption = "Pairs by people's grade (row) and the judge's (column)"
    yield Figure(
        heat_map(f"{caption}, shaded by row", found.table, grades, ("people", "judge")),
        f"{caption}; shades are shares of a row",
        Table(
            caption,
            ("people ↓ judge →", *grades),
            tuple((g, *map(count, row)) for g, row in zip(grades, found.table, strict=True)),
        ),
    )
    if None not in (found.bias.value, *(limit.value for limit in found.limits)):
        yield _apart(check)
    yield Table(
        "By grade: how often people and the judge gave it, and how far they mean the same pairs",
        ("grade", "people", "judge", "precision", "recall"),
        tuple(
            (
                str(g.grade),
                percent(g.people),
                percent(g.judge),
                share(g.precision.value),
                share(g.recall.value),
            )
            for g in found.grades
        ),
    )


def _apart(check: JudgeCheck) -> Figure:
    found = check.agreement
    caption = "How far the judge lies above people, by the mean of both grades (Bland–Altman)"
    dots = [
        ((people + judge) / 2, float(judge - people), n)
        for people, row in enumerate(found.table)
        for judge, n in enumerate(row)
        if n
    ]
    low, high = (limit.value or 0.0 for limit in found.limits)
    lines = (low, found.bias.value or 0.0, high)
    rows = (
        ("lower limit", *_ends(found.limits[0])),
        ("bias", *_ends(found.bias)),
        ("upper limit", *_ends(found.limits[1])),
    )
    return Figure(
        bland_altman(caption, dots, lines, ("mean of both grades", "judge − people")),
        f"{caption}; dots are larger where pairs are many",
        Table(caption, ("line", "value", "low", "high"), rows),
    )


def _people(check: JudgeCheck) -> Iterator[Block]:
    if check.annotators:
        yield Table(
            "People who labelled",
            ("name", "labelled", "blank", "κ", "κ, binary"),
            tuple(
                (
                    a.name,
                    count(a.labelled),
                    count(a.blank),
                    share(a.kappa.value),
                    share(a.kappa_binary.value),
                )
                for a in check.annotators
            ),
        )
    test = check.alt_test
    if test is not None:
        yield Table(
            f"Alternative annotator test, ε {share(test.epsilon)}: ω {share(test.winning_rate)}, "
            f"ρ {share(test.advantage)}: {'passed' if test.passed else 'not passed'}",
            ("person", "instances", "ρ", "difference", "p", "judge not worse"),
            tuple(
                (
                    p.name,
                    count(p.instances),
                    share(p.advantage),
                    share(p.difference),
                    share(p.p),
                    "yes" if p.rejected else "no",
                )
                for p in test.people
            ),
        )


def _systems(check: JudgeCheck) -> Iterator[Block]:
    if check.systems is None:
        return
    found = check.systems.agreement
    best = [(f"τ of the best {k}", *_ends(tau)) for k, tau in found.top.items()]
    yield Table(
        f"How people and the judge order {count(len(found.systems))} systems by "
        f"{check.systems.measure}",
        ("figure", "value", "low", "high"),
        (("τ", *_ends(found.tau)), ("ρ", *_ends(found.rho)), *best),
        note="A high τ says little of labels; it is lowest where it matters, among the best.",
    )
    yield Table(
        "Means by people's and by the judge's labels",
        ("system", "people", "judge"),
        tuple(
            (name, share(human), share(judge))
            for name, human, judge in zip(found.systems, found.human, found.judge, strict=True)
        ),
    )


def _estimates(check: JudgeCheck) -> Iterator[Block]:
    named = dict(check.estimates)
    if check.systems is not None:
        named |= {each.system: each.estimate for each in check.systems.estimates}
    if named:
        yield Table(
            "Means by people's labels, with the judge's where people gave none (PPI)",
            ("what", "estimate", "low", "high", "λ", "labelled", "unlabelled"),
            tuple(
                (
                    name,
                    share(e.value),
                    share(e.low),
                    share(e.high),
                    share(e.power),
                    count(e.labelled),
                    count(e.unlabelled),
                )
                for name, e in named.items()
            ),
        )


def _probes(probes: Probes) -> Iterator[Block]:
    yield Table(
        "Whether grades stay what they were",
        ("probe", "what changed", "cases", "failed", "the same", "shift"),
        tuple(
            (k.name, k.about, count(k.cases), count(k.failed), _percent(k.same), share(k.shift))
            for k in probes.kept
        ),
        labels=2,
    )
    yield Table(
        "Whether texts that answer nothing get a grade",
        ("probe", "what", "attack", "cases", "failed", "above 0", "relevant"),
        tuple(
            (
                f.name,
                f.about,
                "yes" if f.attack else "no",
                count(f.cases),
                count(f.failed),
                _percent(f.above_0),
                _percent(f.relevant),
            )
            for f in probes.fooled
        ),
        labels=3,
    )


def _ends(interval: Interval) -> tuple[str, str, str]:
    return share(interval.value), share(interval.low), share(interval.high)


def _percent(value: float | None) -> str:
    return UNKNOWN if value is None else percent(value)
