"""Iterations by name."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias

from rag.flows import Flow
from rag.iterate.decompose import decomposed
from rag.iterate.furthest import furthest
from rag.iterate.gathered import Gathered
from rag.iterate.ircot import ircot
from rag.iterate.retgen import retgen
from rag.iterate.sufficient import sufficient
from rag.rewrite.queries import sub_questions

Iteration: TypeAlias = Callable[[str], Flow[Gathered]]
"""Gathers evidence for a question in several steps."""

ITERATIONS: Mapping[str, Iteration] = {
    "decompose": partial(decomposed, decompose=sub_questions),
    "ircot": partial(ircot, check=sufficient),
    "furthest": partial(furthest, check=sufficient),
    "iter-retgen": partial(retgen, check=sufficient),
}
"""What `Handling.iterate` may name."""
