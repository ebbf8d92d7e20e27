"""Writing without a language model: sentences quoted from the passages, each cited.

How likely people would quote a sentence is told by a small model of its features; as many are
taken as make the expected overlap with what people would quote the highest.
"""

from collections.abc import AsyncGenerator
from dataclasses import replace

from rag.abstain import Gate
from rag.answering.answering import USUAL, Answering
from rag.answering.writer import Piece, Written
from rag.citing.sentences import cite
from rag.citing.structure import Claim, Draft, references
from rag.quoting.choosing import Limits, chosen, in_reading_order
from rag.quoting.lines import Line, Read
from rag.quoting.weights import QUOTED
from rag.seams import Encoder
from rag.values import Citation, Context, Cut, Stage


class Extractive:
    """The writer that quotes."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    async def write(self, context: Context, found: Read) -> AsyncGenerator[Piece, None]:
        """Yield the quoted sentences, then the draft."""
        claims: list[Claim] = []
        position = 0
        for line in quoted(found, self._limits):
            text = " ".join(line.text.split())  # a quote may break over lines, an answer does not
            quote = as_citation(context, line)
            claims.append(Claim(text, position, position + len(text), (line.passage,), (quote,)))
            yield f" {text}" if position else text
            yield Cut(position, position + len(text), (quote.ref,), "full")
            position += len(text) + 1
        draft = Draft(" ".join(claim.text for claim in claims), tuple(claims))
        yield Written(draft, Stage("generate", 0.0, detail=f"extractive, {len(claims)} sentences"))


def quoting(encoder: Encoder, gate: Gate, limits: Limits) -> Answering:
    """Return the generator that only quotes."""
    return Answering(encoder, [gate], {USUAL: Extractive(limits)})


def quoted(found: Read, limits: Limits) -> list[Line]:
    """Return the lines that make the answer, in its order."""
    likely = QUOTED.probabilities(found)
    return in_reading_order([found.lines[i] for i in chosen(found, likely, limits)])


def as_citation(context: Context, line: Line) -> Citation:
    """Return a line as evidence; its score is its cosine with the question."""
    ref = references(context.passages)[line.document].ref
    return replace(cite(line.passage, line.span, line.cosine), ref=ref)
