"""What a run over what is new may cost, and what it did."""

import math
from dataclasses import dataclass, field

from rag.values import Cost, Frozen, Notice

FLOOR = 0.7
"""Cosine above which chunks are neighbours: ERASE's."""


@dataclass(frozen=True, slots=True)
class Limits(Frozen):
    """What is compared, and the most that it may cost in a run; 0 calls is no limit."""

    floor: float = FLOOR
    calls: int = 0
    seconds: float = math.inf


USUAL = Limits()


@dataclass(frozen=True, slots=True)
class Updates(Frozen):
    """What a run did.

    `chunks` of `documents` were compared, in `pairs`; `superseded` counts marks made or moved,
    `released` those taken away, `contradictions` pairs of one date, of which none supersedes the
    other. `left` documents are still to be compared: run again.
    """

    documents: int = 0
    chunks: int = 0
    pairs: int = 0
    superseded: int = 0
    released: int = 0
    contradictions: int = 0
    left: int = 0
    cost: Cost = field(default=Cost())
    notices: tuple[Notice, ...] = ()
