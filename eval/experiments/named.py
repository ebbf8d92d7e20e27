"""An experiment over one folder: systems by name, everything else as usual."""

from collections.abc import Sequence
from pathlib import Path

from eval.experiments.definition import CollectionTable, Definition, SystemTable, called
from rag.errors import BadInput
from rag.expand.methods import EXPANSIONS

USUAL = ("bm25", "dense", "fused")
SYSTEMS = {
    "bm25": SystemTable("bm25", branches=("bm25",)),
    "dense": SystemTable("dense", branches=("dense",)),
    "fused": SystemTable("fused"),
    "rrf": SystemTable("rrf", fusion="rrf"),
    "dbsf": SystemTable("dbsf", fusion="dbsf"),
    "convex": SystemTable("convex", fusion="convex"),
}
"""Systems that may be named."""


def over(folder: Path, split: str, names: Sequence[str], splitter: str) -> Definition:
    """Return the experiment of these systems over a BEIR folder.

    Raises:
        BadInput: an unknown system or expansion.
    """
    collection = CollectionTable(str(folder.absolute()), name=called(str(folder)), split=split)
    settings = {"index": {"splitter": splitter}}
    return Definition(collection.name, (collection,), choose(names), settings=settings)


def choose(names: Sequence[str]) -> tuple[SystemTable, ...]:
    """Return the systems of these names, in the order asked, none twice.

    Expansions follow a system after a plus: "fused+rocchio".

    Raises:
        BadInput: an unknown system or expansion.
    """
    return tuple(_system(name) for name in dict.fromkeys(names))


def _system(name: str) -> SystemTable:
    base, *expand = name.split("+")
    if base not in SYSTEMS:
        raise BadInput(f"unknown system '{base}'. Known: {', '.join(SYSTEMS)}")
    if unknown := [one for one in expand if one not in EXPANSIONS]:
        raise BadInput(f"unknown expansion '{unknown[0]}'. Known: {', '.join(EXPANSIONS)}")
    of = SYSTEMS[base]
    return SystemTable(name, branches=of.branches, fusion=of.fusion, expand=tuple(expand))
