"""The probe that decides whether a faster precision says the same as fp32."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rag.values import Frozen, Vector

_SUBJECTS = (
    "A lighthouse keeper",
    "The new vaccine",
    "Section 4.2 of the contract",
    "An expired certificate",
    "The 1969 moon landing",
    "def parse(line):",
    "La réunion de jeudi",
    "Protein p53",
)
_STATEMENTS = (
    "was found to change the outcome in 37 of 120 cases",
    "has to be renewed before the end of the quarter",
    "returns None when the input is empty, and raises otherwise",
    "is described in the appendix, together with its side effects",
    "costs between $1,200 and $4.5k depending on the region",
    "did not agree with the earlier report; nobody knows why",
    "works only if the server listens on port 8080",
    "?",
)
PROBE_TEXTS = tuple(f"{subject} {statement}" for subject in _SUBJECTS for statement in _STATEMENTS)
"""64 short texts of many kinds."""

CHECKED_TEXTS = (*PROBE_TEXTS, " ".join(PROBE_TEXTS))
"""The probe, and a text that is longer: what attends to near tokens only shows there."""


@dataclass(frozen=True, slots=True)
class Agreement(Frozen):
    """Cosines between two encodings of the same texts."""

    mean: float
    least: float

    def above(self, floor: "Agreement") -> bool:
        """Whether mean and least are at least those of a floor."""
        return self.mean >= floor.mean and self.least >= floor.least

    def __str__(self) -> str:
        return f"probe cosine mean {self.mean:.5f}, least {self.least:.5f}"


FLOORS: Mapping[str, Agreement] = {
    "fp32": Agreement(0.9999, 0.999),  # another runtime's rounding
    "bf16": Agreement(0.999, 0.99),  # issue 2
    "int8": Agreement(0.995, 0.98),  # issue 7
}
"""How near to fp32 on torch a precision must be, for its vectors to stand for those."""


def compare(exact: Vector, fast: Vector) -> Agreement:
    """Return the agreement of two encodings, both (n, h) with unit rows.

    >>> same = np.eye(2, dtype=np.float32)
    >>> compare(same, same)
    Agreement(mean=1.0, least=1.0)
    """
    cosines = np.einsum("nh,nh->n", exact, fast)  # (n,)
    return Agreement(float(cosines.mean()), float(cosines.min()))
