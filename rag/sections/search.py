"""How queries find chunks."""

from typing import Annotated, Literal

from rag.sections.basics import Positive, Section, Share, says
from rag.values import Superseded


class SearchSettings(Section, frozen=True):
    """How queries find chunks."""

    fusion: Annotated[
        Literal["rrf", "dbsf", "convex"], says("how the branches' rankings become one")
    ] = "dbsf"
    depth: Annotated[Positive, says("hits fetched per branch, at least k")] = 100
    preset: Annotated[
        Literal["fast", "balanced", "quality"],
        says("how queries are handled that do not say: what is asked of a model, how deep"),
    ] = "balanced"
    route: Annotated[
        Literal["", "rules", "classifier", "neighbours", "claims"],
        says("who routes where a preset does; empty is the router's file, without one the rules"),
    ] = ""
    router: Annotated[
        str, says("file of a router: a trained classifier or a log of outcomes; empty is none")
    ] = ""
    rrf_k: Annotated[Positive, says("the constant of reciprocal rank fusion")] = 60
    dense_weight: Annotated[Share, says("the dense branch's share; BM25 has the rest")] = 0.5
    widen: Annotated[
        Literal["auto", "none", "window", "merge"],
        says(
            "what is read around a result: its neighbours, or the piece most of which is found; "
            "auto is what the collection's splitter is for"
        ),
    ] = "auto"
    window: Annotated[Positive, says("neighbours on each side that a window reads")] = 3
    superseded: Annotated[
        Superseded, says("superseded passages: told apart, not found, or treated as any other")
    ] = "mark"
