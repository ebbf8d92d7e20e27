"""How what was found is put in a better order."""

from typing import Annotated, Literal

import msgspec

from rag.sections.basics import Budget, Positive, Seconds, Section, Share, says


class RerankSettings(Section, frozen=True):
    """How what was found is put in a better order."""

    method: Annotated[
        str,
        says(
            "empty leaves the fused order; a method, or several as a cascade: setwise:50, first:20"
        ),
    ] = ""
    schedule: Annotated[
        str, says("which candidates a method looks at together, and when; empty is its usual one")
    ] = ""
    depth: Annotated[Positive, says("candidates that are reranked")] = 50
    passage_tokens: Annotated[Positive, says("the most that is read of a candidate")] = 192
    window: Annotated[
        Annotated[int, msgspec.Meta(ge=2, le=20)], says("passages in one prompt of a window")
    ] = 20
    stride: Annotated[Positive, says("how far a sliding window moves")] = 10
    top: Annotated[Positive, says("how many of the best must be right; the rest may stay")] = 10
    together: Annotated[
        Annotated[int, msgspec.Meta(ge=2, le=20)], says("passages in one prompt of setwise")
    ] = 4
    writes: Annotated[
        bool, says("pairwise and setwise let the model write its answer, where it has no logprobs")
    ] = False
    shuffles: Annotated[
        Positive, says("orders in which a window is shown, the answers merged; 1 is the usual one")
    ] = 1
    letter_prior: Annotated[
        bool, says("take the model's liking for letters out of its answers")
    ] = False
    merge: Annotated[
        Literal["borda", "kemeny", "rrf"],
        says("how the orders of pairwise's schedule fusion become one"),
    ] = "borda"
    demonstrations: Annotated[
        Annotated[int, msgspec.Meta(ge=0, le=8)], says("examples shown to the pairwise method")
    ] = 0
    model: Annotated[str, says("folder or hub name of the cross-encoder")] = ""
    runtime: Annotated[Literal["torch", "onnx"], says("what computes the cross-encoder")] = "torch"
    calls: Annotated[Budget, says("most requests to the model for a query; 0 is no limit")] = 0
    tokens: Annotated[Budget, says("most tokens for a query; 0 is no limit")] = 0
    seconds: Annotated[Seconds, says("most time for a query; then the best so far")] = 30.0
    guard: Annotated[
        Literal["pool", "rrf", "convex", "none"],
        says("how the reranked order is fused with the one before, against a reranker that errs"),
    ] = "pool"
    guard_weight: Annotated[
        Share,
        says("the reranker's share in that; 0 is the usual one: pool .7, rrf .4, convex .3"),
    ] = 0.0
    guard_jump: Annotated[
        Annotated[int, msgspec.Meta(ge=0)],
        says("most ranks a candidate may move; 0 is any number"),
    ] = 0
    feedback: Annotated[
        Literal["none", "kl", "ranknet", "native"],
        says("look again with a dense query moved by the scores, by the order, or by Qdrant"),
    ] = "none"
    unguarded: Annotated[str, says("collections without a guard, by comma")] = ""
