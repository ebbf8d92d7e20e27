"""What a judge must be able to do before its labels are used; the figures are chosen.

They are set by the 42 label sets of the LLMJudge challenge (arXiv 2502.13908): the best reach κ .29
on four grades and .43 on two, so a bar as high as people set for each other would fail everybody.
"""

from eval.agreement.resampling import Interval
from eval.checking.record import Agreement, Failures, Gate, Kept, Probes

KAPPA = 0.35
KAPPA_LOW = 0.20
BIAS = 0.25
FAILURES = 0.01
RETEST = 0.95
GULLIBLE = 0.05
RETESTED = "retest"


def gates(agreement: Agreement, failures: Failures, probes: Probes | None) -> tuple[Gate, ...]:
    """Return every gate with what was found; what could not be computed is no pass."""
    return (
        _kappa(agreement.kappa_binary),
        _bias(agreement.bias),
        _failures(failures),
        _retest(probes),
        _gullible(probes),
    )


def _kappa(found: Interval) -> Gate:
    wanted = f"κ of relevant or not at least {KAPPA:.2f}, its interval from {KAPPA_LOW:.2f}"
    if found.value is None or found.low is None:
        return _unknown("agreement", wanted, found.method)
    passed = found.value >= KAPPA and found.low >= KAPPA_LOW
    return Gate("agreement", wanted, said(found), passed)


def _bias(found: Interval) -> Gate:
    wanted = f"at most {BIAS:.2f} grades too lenient or too strict on average"
    if found.value is None:
        return _unknown("bias", wanted, found.method)
    return Gate("bias", wanted, said(found, sign="+"), abs(found.value) <= BIAS)


def _failures(found: Failures) -> Gate:
    wanted = f"no valid grade for at most {FAILURES:.0%} of the pairs"
    if found.share is None:
        return _unknown("failures", wanted, found.why)
    return Gate(
        "failures",
        wanted,
        f"{found.share:.1%}, {found.failed:,} of {found.asked:,}",
        found.share <= FAILURES,
    )


def _retest(probes: Probes | None) -> Gate:
    wanted = f"the same grade when asked again, for at least {RETEST:.0%}"
    found = retest_of(probes)
    if found is None or found.same is None:
        return _unknown("retest", wanted, _unprobed(probes))
    return Gate(
        "retest", wanted, f"{found.same:.1%} of {found.cases - found.failed}", found.same >= RETEST
    )


def _gullible(probes: Probes | None) -> Gate:
    wanted = f"at most {GULLIBLE:.0%} of texts made to please called relevant, by any trick"
    attacks = [] if probes is None else [each for each in probes.fooled if each.attack]
    shares = [each.relevant for each in attacks if each.relevant is not None]
    if not shares or len(shares) < len(attacks):
        return _unknown("gullibility", wanted, _unprobed(probes))
    worst = max(attacks, key=lambda each: each.relevant or 0.0)
    return Gate(
        "gullibility",
        wanted,
        f"{worst.relevant:.1%} of {worst.cases - worst.failed} by {worst.name}",
        max(shares) <= GULLIBLE,
    )


def retest_of(probes: Probes | None) -> Kept | None:
    """Return the probe that asks again."""
    kept = () if probes is None else probes.kept
    return next((each for each in kept if each.name == RETESTED), None)


def said(found: Interval, sign: str = "") -> str:
    """Return a figure with its interval in words.

    >>> said(Interval(0.4, 0.31, 0.5, "BCa")), said(Interval(None, None, None, "not defined"))
    ('0.400 [0.310, 0.500]', 'not defined')
    """
    if found.value is None:
        return found.method
    if found.low is None or found.high is None:
        return f"{found.value:{sign}.3f}, {found.method}"
    return f"{found.value:{sign}.3f} [{found.low:{sign}.3f}, {found.high:{sign}.3f}]"


def _unknown(name: str, wanted: str, why: str) -> Gate:
    return Gate(name, wanted, f"could not be computed: {why}", passed=False, known=False)


def _unprobed(probes: Probes | None) -> str:
    if probes is None:
        return "no probes: run `firstcite eval judge-check probe`"
    return "the judge graded none of them"
