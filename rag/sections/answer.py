"""How answers are made."""

from typing import Annotated, Literal, TypeAlias

import msgspec

from rag.sections.basics import Budget, Positive, Seconds, Section, Share, says

Generators: TypeAlias = Literal[
    "extractive", "inline", "attribute-first", "quote-first", "ensemble"
]
"""Who may write an answer."""


class AnswerSettings(Section, frozen=True):
    """How answers are made."""

    passages: Annotated[Positive, says("chunks an answer may cite")] = 5
    tokens: Annotated[
        Budget, says("tokens of all passages together, about, at most; 0 is no limit")
    ] = 0
    per_document: Annotated[
        Budget, says("chunks of one document an answer may cite; 0 is no limit")
    ] = 0
    passage_floor: Annotated[
        float, says("score below which no chunk is packed, on the last ranking's scale; 0 is none")
    ] = 0.0
    order: Annotated[
        Literal["rank", "middle", "best-last"],
        says("how passages are shown: best first, best at both ends, or best last"),
    ] = "rank"
    generator: Annotated[
        Generators,
        says("who writes: quoted sentences alone, or the language model, in one of four ways"),
    ] = "extractive"
    scorer: Annotated[
        Literal["", "query-likelihood", "cross-encoder"],
        says(
            "relevance model with a say in what is quoted, the latter rerank.model; empty is none"
        ),
    ] = ""
    max_tokens: Annotated[Positive, says("tokens that a model may write for an answer")] = 400
    seconds: Annotated[Seconds, says("most time for writing; then what is written")] = 60.0
    samples: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=16)],
        says("answers that inline writes, the best cited of which is given"),
    ] = 1
    sufficient: Annotated[
        Share,
        says(
            "the model's probability that the passages suffice, below which nothing is answered; "
            "0 asks nobody"
        ),
    ] = 0.0
    verify: Annotated[
        Literal["overlap", "entailment", "reverse", "nli"],
        says("who is asked about sentences that facts and overlap leave in doubt"),
    ] = "overlap"
    nli_model: Annotated[str, says("folder or hub name of the NLI model, for verify nli")] = ""
    policy: Annotated[
        Literal["mark", "drop", "rewrite"],
        says("what becomes of a sentence that no passage carries; rewrite puts a quote there"),
    ] = "drop"
    verified: Annotated[
        Share, says("share of written sentences that must be carried; below, nothing is answered")
    ] = 0.3
    sentences: Annotated[Positive, says("sentences in an answer, at most")] = 5
    words: Annotated[Budget, says("words in an answer of several sentences; 0 is no limit")] = 0
    floor: Annotated[
        Annotated[float, msgspec.Meta(ge=-1, le=1)],
        says("cosine of the question and its nearest sentence below which nothing is answered"),
    ] = 0.44
    calibration: Annotated[
        str, says("file of firstcite calibrate that decides instead of the floor; empty is none")
    ] = ""
