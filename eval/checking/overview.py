"""Checks of several judges as one table, of what each gate found."""

from collections.abc import Sequence

from eval.checking.gates import said
from eval.checking.record import JudgeCheck
from eval.markdown import table


def overview(checks: Sequence[JudgeCheck]) -> list[str]:
    """Return a line per judge: the verdict, what each gate found, κ of all grades, and τ."""
    gates = list(dict.fromkeys(gate.name for one in checks for gate in one.gates))
    rows = []
    for one in checks:
        found = {gate.name: gate.found for gate in one.gates}
        tau = said(one.systems.agreement.tau) if one.systems else "–"
        rows.append(
            [
                one.judge,
                one.verdict,
                *(found.get(name, "–") for name in gates),
                said(one.agreement.kappa_quadratic),
                tau,
            ]
        )
    return table(["judge", "", *gates, "κ, quadratic", "τ of systems"], rows)
