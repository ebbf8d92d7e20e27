"""Judging: how relevant is a text to a query?"""

from dataclasses import dataclass

from rag.values.frozen import Frozen


@dataclass(frozen=True, slots=True)
class Case(Frozen):
    """A question put to a judge: how relevant is this text to this query?"""

    query_id: str
    query: str
    document_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Judgment(Frozen):
    """A judge's grade for one (query, document); None where it gave no valid one."""

    query_id: str
    document_id: str
    grade: int | None
