"""The check of a judge to read: Markdown made from `JudgeCheck` and nothing else."""

from collections.abc import Iterator, Sequence

from eval.agreement.resampling import Interval
from eval.checking.gates import said
from eval.checking.record import Agreement, JudgeCheck, Probes, Systems
from eval.markdown import made_by, table

_NOTES = (
    "Intervals are of 95 %, from queries drawn again: pairs of one query go together. `exact` "
    "flatters, chance alone is high; κ and α do not. Above 0, bias means that the judge is lenient."
)


def to_markdown(found: JudgeCheck) -> str:
    """Return the check as Markdown, its verdict first."""
    lines = [
        f"# {found.judge} as a judge: {found.verdict}",
        "",
        verdict(found),
        "",
        *table(
            ["gate", "wanted", "found", ""],
            [[g.name, g.wanted, g.found, "pass" if g.passed else "FAIL"] for g in found.gates],
        ),
        "",
        *_conflicts(found),
        *(f"> {warning}" for warning in found.warnings),
        *([""] if found.warnings else []),
        *_agreement(found.agreement, found.cut),
        *_people(found),
        *_alternative(found),
        *_estimates(found),
        *_systems(found.systems),
        *(of_probes(found.probes) if found.probes else ()),
        *_missing(found),
        made_by(found.provenance),
        "",
    ]
    return "\n".join(lines)


def verdict(found: JudgeCheck) -> str:
    """Return the verdict in plain words.

    One sentence of what was compared, then which gates failed.
    """
    compared = f"{found.pairs:,} pairs of {found.queries:,} queries, graded by people and the judge"
    if found.left_out:
        left = "; ".join(f"{n:,}: {why}" for why, n in found.left_out.items())
        compared += f" (left out, {left})"
    failed = [gate.name for gate in found.gates if gate.known and not gate.passed]
    unknown = [gate.name for gate in found.gates if not gate.known]
    if found.verdict == "GO":
        return f"**GO.** All {len(found.gates)} gates are passed. {compared}."
    why = [f"it fails {_listed(failed)}"] if failed else []
    if unknown:
        why.append(f"{_listed(unknown)} could not be computed, which is no pass")
    return f"**NO-GO.** Do not use this judge's labels: {'; '.join(why)}. {compared}."


def _agreement(of: Agreement, cut: int) -> Iterator[str]:
    figures = {
        "κ": of.kappa,
        f"κ of grade ≥ {cut}": of.kappa_binary,
        "κ, linear": of.kappa_linear,
        "κ, quadratic": of.kappa_quadratic,
        "Krippendorff's α, ordinal": of.alpha_ordinal,
        "bias, judge − people": of.bias,
        "mean absolute error": of.absolute_error,
        "exact": of.exact,
        "95 % of differences from": of.limits[0],
        "95 % of differences to": of.limits[1],
    }
    yield from ("## Agreement with people", "", _NOTES, "")
    if of.weighted:
        yield "The sample was drawn by the judge's grade; figures weigh its pairs back."
        yield ""
    yield from table(
        ["figure", "value", "interval"], [[n, said(f), _method(f)] for n, f in figures.items()]
    )
    yield ""
    head = ["people ↓ judge →", *map(str, range(len(of.table)))]
    yield from table(head, [[str(g), *map(str, row)] for g, row in enumerate(of.table)])
    yield ""
    rows = [
        [str(g.grade), f"{g.people:.1%}", f"{g.judge:.1%}", said(g.precision), said(g.recall)]
        for g in of.grades
    ]
    yield from table(["grade", "by people", "by judge", "precision", "recall"], rows)
    yield ""


def _people(found: JudgeCheck) -> Iterator[str]:
    rows = [
        [each.name, str(each.labelled), str(each.blank), said(each.kappa), said(each.kappa_binary)]
        for each in found.annotators
    ]
    yield from ("## People", "")
    head = ["annotator", "labelled", "blank", "κ with the judge", f"κ of ≥ {found.cut}"]
    yield from table(head, rows)
    yield ""
    if found.among_people is not None:
        yield f"People among themselves: ordinal α {said(found.among_people)}."
        yield ""


def _alternative(found: JudgeCheck) -> Iterator[str]:
    if (test := found.alt_test) is None:
        return
    yield from ("## May it stand in for a person?", "")
    yield (
        f"Alternative annotator test, ε {test.epsilon:g}: winning rate ω {test.winning_rate:.2f} "
        f"({'passed' if test.passed else 'not passed'}, 0.50 is needed), advantage ρ "
        f"{test.advantage:.3f}, over {test.instances:,} of {test.given:,} pairs. What one person "
        "says is compared with what the others say; nobody's labels are the truth."
    )
    yield ""
    rows = [
        [
            p.name,
            str(p.instances),
            f"{p.advantage:.3f}",
            f"{p.p:.4f} ({p.test})",
            "yes" if p.rejected else "no",
        ]
        for p in test.people
    ]
    yield from table(["annotator", "pairs", "ρ", "p", "judge no worse"], rows)
    yield ""
    for name, n in test.left_out.items():
        yield from (f"{name} has {n} pairs that others labelled too and is not tested.", "")


def _estimates(found: JudgeCheck) -> Iterator[str]:
    if not found.estimates:
        return
    yield from ("## Estimates from both", "")
    yield "Means over all that the judge graded, its errors corrected by people's labels (PPI++)."
    yield ""
    rows = [
        [
            name,
            f"{e.value:.3f} [{e.low:.3f}, {e.high:.3f}]",
            f"{e.power:.2f}",
            f"{e.labelled:,} + {e.unlabelled:,}",
        ]
        for name, e in found.estimates.items()
    ]
    yield from table(["of", "estimate", "λ", "people's + judge's"], rows)
    yield ""


def _systems(of: Systems | None) -> Iterator[str]:
    if of is None:
        return
    a = of.agreement
    yield from ("## Order of systems", "")
    yield (
        f"{of.measure} over {a.queries:,} queries ({of.left_out:,} without a relevant document "
        f"left out): τ {said(a.tau)}, ρ {said(a.rho)}, RBO {a.rbo:.3f}, a system moves {a.moved} "
        "places at most. τ says little of labels: people of other opinions reach .94."
    )
    yield ""
    if a.top:
        rows = [[f"best {t}", said(tau)] for t, tau in a.top.items()]
        yield from table(["among", "τ"], rows)
        yield ""
    rows = [
        [name, f"{h:.4f}", f"{j:.4f}"]
        for name, h, j in zip(a.systems, a.human, a.judge, strict=True)
    ]
    yield from table(["system", "by people", "by judge"], rows)
    yield ""
    p = a.pairs
    yield (
        f"Of {p.both + p.opposed + p.human + p.judge + p.neither} pairs of systems, {p.both} "
        f"differ significantly by both, {p.opposed} with opposite signs, {p.human} by people "
        f"alone, {p.judge} by the judge alone."
    )
    yield ""
    if of.estimates:
        rows = [
            [e.system, f"{e.estimate.value:.4f} [{e.estimate.low:.4f}, {e.estimate.high:.4f}]"]
            for e in of.estimates
        ]
        yield from table(["system", f"{of.measure}, from both"], rows)
        yield ""


def of_probes(probes: Probes) -> Iterator[str]:
    """Yield the lines that say what probes found."""
    yield from ("## Probes", "")
    yield f"{probes.judge} was asked {probes.asked:,} cases; {probes.failed:,} got no valid grade."
    yield ""
    kept = [
        [
            k.name,
            k.about,
            _share(k.same),
            "–" if k.shift is None else f"{k.shift:+.2f}",
            str(k.cases - k.failed),
        ]
        for k in probes.kept
    ]
    yield from table(["grades should stay", "what changed", "same", "shift", "cases"], kept)
    yield ""
    fooled = [
        [f.name, f.about, _share(f.above_0), _share(f.relevant), str(f.cases - f.failed)]
        for f in probes.fooled
    ]
    yield from table(["should be 0", "what is read", "≥ 1", f"≥ {probes.cut}", "cases"], fooled)
    yield ""
    yield from (f"{note[0].upper()}{note[1:]}." for note in probes.notes)
    yield ""


def _conflicts(found: JudgeCheck) -> Iterator[str]:
    for each in found.conflicts:
        yield f"> **{each.severity.upper()}**: {each.message}."
    if found.conflicts:
        yield ""


def _missing(found: JudgeCheck) -> Iterator[str]:
    if found.missing:
        yield from ("## Not computed", "")
        yield from (f"- {name.replace('_', ' ')}: {why}" for name, why in found.missing.items())
        yield ""


def _method(of: Interval) -> str:
    left = f", {of.undefined:,} resamples undefined" if of.undefined else ""
    return f"{of.method}{left}"


def _share(of: float | None) -> str:
    return "–" if of is None else f"{of:.1%}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else names[0]
