"""What is learnt from: groups of candidates for a query, and preferences between texts."""

from dataclasses import dataclass

from rag.values import Frozen, Prompt


@dataclass(frozen=True, slots=True)
class Passage(Frozen):
    """A candidate for a query.

    `grade` is above 0 for what is relevant; `score` is a teacher's, None where none was asked.
    Negatives stand in the order in which they were found, the hardest first.
    """

    id: str
    text: str
    grade: int = 0
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Group(Frozen):
    """A query and its candidates, relevant ones first.

    `misleading` are texts like the query that are false of its first positive: they stand against
    the query where an encoder is trained.
    """

    id: str
    query: str
    passages: tuple[Passage, ...]
    misleading: tuple[str, ...] = ()

    @property
    def positives(self) -> tuple[Passage, ...]:
        """The relevant ones."""
        return tuple(p for p in self.passages if p.grade > 0)

    @property
    def negatives(self) -> tuple[Passage, ...]:
        """The others."""
        return tuple(p for p in self.passages if p.grade <= 0)


@dataclass(frozen=True, slots=True)
class Preference(Frozen):
    """Two texts that may follow a prompt about a query, the better one first; "" for no worse one.

    `rewards` are theirs, `plain` is that of no text at all.
    """

    id: str
    query: str
    prompt: Prompt
    chosen: str
    rejected: str = ""
    rewards: tuple[float, float] = (0.0, 0.0)
    plain: float = 0.0
