"""The ways to handle queries that `eval.studies.query_quality` measures, and on what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval.experiments.definition import PATIENCE_S, SystemTable
from eval.experiments.named import SYSTEMS, choose
from rag.expand.methods import EXPANSIONS
from rag.values import Frozen, Query

DEPTH = 100

_PLAIN = tuple(name for name, method in EXPANSIONS.items() if not method.asks)
_ASKING = tuple(name for name, method in EXPANSIONS.items() if method.asks)


@dataclass(frozen=True, slots=True)
class Row(Frozen):
    """A way to handle queries: a system with expansions, and steps after the first search."""

    system: SystemTable
    iterate: str = ""

    @property
    def asks(self) -> bool:
        """Whether it asks a language model."""
        return bool(self.iterate) or any(EXPANSIONS[name].asks for name in self.system.expand)

    def query(self, text: str, k: int = DEPTH) -> Query:
        """Return a question as it is asked."""
        system = self.system
        changes = {
            "expand": system.expand,
            "iterate": self.iterate,
            "rerank_depth": 0,
            "seconds": PATIENCE_S,
        }
        return Query(
            text, k, branches=system.branches, fusion=system.fusion, preset="fast", changes=changes
        )


def rows(systems: Sequence[str], steps: Sequence[str] = ()) -> dict[str, Row]:
    """Return rows by name: systems as `eval.experiments.named` reads them, and "fused, STEPS"."""
    found = {system.name: Row(system) for system in choose(systems)}
    return {**found, **{f"fused, {name}": Row(SYSTEMS["fused"], name) for name in steps}}


@dataclass(frozen=True, slots=True)
class Table(Frozen):
    """Rows over the first queries of a collection (0: all)."""

    collection: str
    rows: Mapping[str, Row]
    queries: int = 0
    reranked: bool = True

    @property
    def name(self) -> str:
        """Collection and number of queries."""
        return f"{self.collection}, {self.queries or 'all'} queries"


_WITHOUT = (
    *("bm25", *(f"bm25+{name}" for name in ("rm3", "rocchio"))),
    *("dense", *(f"dense+{name}" for name in ("dense-average", "dense-rocchio"))),
    *("fused", *(f"fused+{name}" for name in _PLAIN)),
)
_WITH = ("fused", *(f"fused+{name}" for name in _ASKING))
_STEPS = ("decompose", "ircot", "furthest", "iter-retgen")

TABLES = (
    Table("trec-dl19-passage-pool", rows(_WITHOUT), reranked=False),
    Table("scifact", rows(_WITHOUT), reranked=False),
    Table("hotpotqa-hippo100", rows(_WITHOUT), reranked=False),
    Table("clapnq-dev", rows(_WITHOUT), reranked=False),
    Table("trec-dl19-passage-pool", rows((*_WITH, *(f"fused+{name}" for name in _PLAIN))), 16),
    Table("hotpotqa-hippo100", rows(_WITH, _STEPS), 16),
    Table("scifact", rows(_WITH), 16),
)
