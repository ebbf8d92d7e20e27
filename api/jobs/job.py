"""What is known of a job."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from api.replies import Problem

Kind: TypeAlias = Literal["documents", "file", "reindex"]
State: TypeAlias = Literal["queued", "running", "done", "failed", "cancelled"]
OVER: frozenset[State] = frozenset({"done", "failed", "cancelled"})


class Advance(Struct, frozen=True):
    """How far a job is; `total` is 0 while it is unknown."""

    stage: str = ""
    done: int = 0
    total: int = 0


class Counts(Struct, frozen=True):
    """What a job did: the documents that are in the index now, and what became of them."""

    documents: int = 0
    chunks: int = 0
    new: int = 0
    changed: int = 0
    revised: Annotated[int, Meta(description="Only what is said about them is another.")] = 0
    unchanged: int = 0
    skipped: Annotated[int, Meta(description="Near-duplicates that were left out.")] = 0
    encoded: Annotated[int, Meta(description="Chunks that the encoder read.")] = 0
    removed: Annotated[int, Meta(description="Chunks that are stale and gone.")] = 0
    failed: Annotated[int, Meta(description="Documents or lines that could not be used.")] = 0
    seconds: float = 0.0


class Job(Struct, frozen=True):
    """A job: what it is to do, how far it is, and what came of it."""

    job_id: str
    kind: Kind
    collection: str
    tenant: str
    state: State
    created: Annotated[str, Meta(examples=["2026-11-22T12:00:00+00:00"])]
    began: str = ""
    ended: str = ""
    name: Annotated[str, Meta(description="Of the file that was sent.")] = ""
    progress: Advance = Advance()
    result: Counts | None = None
    error: Problem | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more happens."""
        return self.state in OVER
