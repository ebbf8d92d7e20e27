"""Packing: the best candidates become the numbered passages an answer may cite."""

from rag.values import Context, Passage, Results, Stage


def pack(results: Results, passages: int) -> Context:
    """Return the first `passages` candidates, numbered from 1, in rank order."""
    packed = tuple(
        Passage(ref, candidate)
        for ref, candidate in enumerate(results.candidates[:passages], start=1)
    )
    dropped = len(results.candidates) - len(packed)
    stage = Stage("pack", 0.0, detail=f"{len(packed)} packed, {dropped} dropped")
    return Context(results.query, packed, (*results.trace, stage))
