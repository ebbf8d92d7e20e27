"""What an expansion is told, and what it is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from rag.flows import Flow
from rag.seams import SparseEncoder
from rag.values import Branch, Frozen


@dataclass(frozen=True, slots=True)
class Asked(Frozen):
    """A query that is to be expanded.

    Args:
        text: the question as it stands for itself.
        depth: hits that each new branch fetches.
        sparse: counts and weighs terms.
        mean_length: of the collection's chunks, in terms.
        seed: of whatever is drawn.
    """

    text: str
    depth: int
    sparse: SparseEncoder
    mean_length: float
    seed: int = 0


Expansion: TypeAlias = Callable[[Asked], Flow[tuple[Branch, ...]]]
"""Makes branches; may search and ask. Errors that are thrown into it it lets through."""
