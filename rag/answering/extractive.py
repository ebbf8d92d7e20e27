"""Writing without a language model: sentences quoted from the passages, each cited.

How likely people would quote a sentence is told by a small model of its features; as many are
taken as make the expected overlap with what people would quote the highest.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from rag.answering.writer import Piece, Written
from rag.citing.sentences import cite
from rag.citing.structure import Claim, Draft, references
from rag.errors import RagError
from rag.flows import stopped
from rag.quoting.choosing import Limits, arranged, chosen
from rag.quoting.lines import Line, Read
from rag.quoting.scored import Scorer, informed
from rag.quoting.weights import QUOTED
from rag.values import Citation, Context, Cut, Stage


class Extractive:
    """The writer that quotes.

    Args:
        limits: how long an answer may be.
        scorer: a relevance model that has a say in what is quoted; None where there is none.
    """

    def __init__(self, limits: Limits, scorer: Scorer | None = None) -> None:
        self._limits = limits
        self._scorer = scorer

    async def write(self, context: Context, found: Read) -> AsyncGenerator[Piece, None]:
        """Yield the quoted sentences, then the draft.

        Where the relevance model fails, sentences are quoted without it; the stage says so.
        """
        claims: list[Claim] = []
        stage, position = Stage("generate", 0.0), 0
        scores: tuple[float, ...] = ()
        if self._scorer is not None:
            try:
                scored = await self._scorer(context.query.text, [line.text for line in found.lines])
                scores, stage = scored.scores, replace(stage, cost=scored.cost)
            except RagError as error:
                stage = stopped(stage, error)
        for line in quoted(found, self._limits, scores):
            text = " ".join(line.text.split())  # a quote may break over lines, an answer does not
            quote = as_citation(context, line)
            claims.append(Claim(text, position, position + len(text), (line.passage,), (quote,)))
            yield f" {text}" if position else text
            yield Cut(position, position + len(text), (quote.ref,), "full")
            position += len(text) + 1
        draft = Draft(" ".join(claim.text for claim in claims), tuple(claims))
        told = f"extractive, {len(claims)} sentences"
        detail = f"{told}; no relevance model: {stage.detail}" if stage.detail else told
        yield Written(draft, replace(stage, detail=detail))


def quoted(found: Read, limits: Limits, scores: Sequence[float] = ()) -> list[Line]:
    """Return the lines that make the answer, in its order.

    Args:
        found: the lines of all passages.
        limits: how long it may be.
        scores: of the lines by a relevance model, where there is one.
    """
    likely = informed(QUOTED.probabilities(found), scores)
    return arranged([found.lines[i] for i in chosen(found, likely, limits)])


def as_citation(context: Context, line: Line) -> Citation:
    """Return a line as evidence; its score is its cosine with the question."""
    ref = references(context.passages)[line.document].ref
    return replace(cite(line.passage, line.span, line.cosine), ref=ref)
