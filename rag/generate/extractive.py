"""Generating without a language model: sentences quoted from the passages, each cited.

How likely people would quote a sentence is told by a small model of its features; as many are
taken as make the expected overlap with what people would quote the highest. Before that a gate
says whether the question can be answered at all.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from rag.citing.sentences import cite
from rag.generate.choosing import Limits, chosen, in_reading_order
from rag.generate.lines import Line, Read, read
from rag.generate.weights import QUOTED
from rag.seams import Encoder
from rag.values import Answer, Context, Frozen, Reference, Sentence, Stage


@dataclass(frozen=True, slots=True)
class Verdict(Frozen):
    """Whether what was found can answer the question; `reason` says why not, or what is missing."""

    answerable: Literal["yes", "partial", "no"]
    reason: str = ""


Gate: TypeAlias = Callable[[Context, Read], Awaitable[Verdict]]
"""Judges what was read, of which there is at least one line."""


class Extractive:
    """The generator that quotes."""

    def __init__(self, encoder: Encoder, gate: Gate, limits: Limits) -> None:
        self._encoder = encoder
        self._gate = gate
        self._limits = limits

    async def answer(self, context: Context) -> AsyncIterator[str | Answer]:
        """Yield the answer's sentences, then the `Answer`; an abstention yields only the latter."""
        found = await read(context, self._encoder)
        if not found.lines:
            yield _abstain(context, "nothing was found to quote from")
            return
        verdict = await self._gate(context, found)
        if verdict.answerable == "no":
            yield _abstain(context, verdict.reason)
            return
        answer = _write(context, quoted(found, self._limits), verdict)
        for i, sentence in enumerate(answer.sentences):
            yield f" {sentence.text}" if i else sentence.text
        yield answer


def quoted(found: Read, limits: Limits) -> list[Line]:
    """Return the lines that make the answer, in its order."""
    likely = QUOTED.probabilities(found)
    return in_reading_order([found.lines[i] for i in chosen(found, likely, limits)])


def _write(context: Context, lines: Sequence[Line], verdict: Verdict) -> Answer:
    """Join the lines, and number the sources in order of appearance."""
    refs: dict[str, int] = {}
    references: list[Reference] = []
    parts: list[Sentence] = []
    position = 0
    for line in lines:
        chunk = line.passage.candidate.chunk
        if chunk.document_id not in refs:
            refs[chunk.document_id] = len(refs) + 1
            references.append(Reference(len(refs), chunk.document_id, chunk.title, chunk.source))
        citation = replace(cite(line.passage, line.span, line.cosine), ref=refs[chunk.document_id])
        text = " ".join(line.text.split())  # a quote may break over lines, an answer does not
        parts.append(Sentence(text, position, position + len(text), (citation,)))
        position += len(text) + 1
    stage = Stage("generate", 0.0, detail=f"extractive, {len(parts)} sentences")
    return Answer(
        query=context.query,
        text=" ".join(part.text for part in parts),
        sentences=tuple(parts),
        references=tuple(references),
        reason=verdict.reason,
        trace=(*context.trace, stage),
        answerable=verdict.answerable,
    )


def _abstain(context: Context, reason: str) -> Answer:
    stage = Stage("generate", 0.0, "ok", "abstained")
    trace = (*context.trace, stage)
    return Answer(context.query, "", reason=reason, trace=trace, answerable="no")
