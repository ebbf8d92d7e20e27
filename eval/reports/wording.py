"""What a comparison says, in a sentence."""

from collections.abc import Sequence

from eval.reports.figures import count, interval, p_value, share, signed
from eval.reports.schema import Compared
from eval.statistics import FEWEST

CORRECTIONS = {"holm": "Holm", "bh": "Benjamini–Hochberg", "by": "Benjamini–Yekutieli", "none": ""}
FEW = FEWEST
NONE_SEEN = "no difference can be seen"


def verdict(found: Compared, alpha: float, correction: str) -> str:
    """Return whether a system is better or worse, by how much, and what could not be seen.

    >>> made = Compared("nDCG@10", "b", "a", 300, .084, .061, .108, .0001, .0003, .5, 9, 1, 2,
    ...     mde=.03, test="t")
    >>> verdict(made, .05, "holm")
    'b beats a by +.084 nDCG@10 [.061, .108], p (Holm) = .0003, 300 queries.'
    """
    queries = f"{count(found.n)} {'query' if found.n == 1 else 'queries'}"
    shown = f"{signed(found.difference)} {found.measure} {interval(found.low, found.high)}"
    name, p = CORRECTIONS[correction], p_value(found.adjusted)
    said = f"p{f' ({name})' if name else ''} {p if p.startswith('<') else f'= {p}'}"
    if found.n >= FEW and found.adjusted <= alpha and found.difference:
        verb = "beats" if found.difference > 0 else "is worse than"
        return f"{found.system} {verb} {found.against} by {shown}, {said}, {queries}."
    return (
        f"No difference shown between {found.system} and {found.against}: {shown}, {said}; with "
        f"{queries} {seen(found.mde)}."
    )


def seen(mde: float | None) -> str:
    """Return how large a difference must be.

    >>> seen(.06), seen(None)
    ('only differences above .060 can be seen', 'no difference can be seen')
    """
    return NONE_SEEN if mde is None else f"only differences above {share(mde)} can be seen"


def verdicts(
    compared: Sequence[Compared], featured: str, alpha: float, correction: str
) -> tuple[str, ...]:
    """Return a sentence for every system on the primary measure, the featured one's first."""
    ordered = sorted(compared, key=lambda c: (c.system != featured, -c.difference))
    return tuple(verdict(found, alpha, correction) for found in ordered)
