"""Generating without a language model: sentences quoted from the passages, each cited.

The sentences nearest to the question are chosen by what two readers agree on: BM25 over the
retrieved sentences (rank-bm25) and the cosine of question and sentence. Nothing is quoted below
the floor; then the answer is an abstention with its reason.
"""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from rank_bm25 import BM25Plus

from rag.citing.sentences import Span, cite, sentences
from rag.seams import Encoder
from rag.values import (
    Answer,
    Context,
    Frozen,
    Passage,
    Reference,
    Sentence,
    Stage,
)

# A word, or one character of Chinese or Japanese, which write no spaces.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")
_MIN_WORDS = 3  # chosen: shorter sentences are captions and remnants


@dataclass(frozen=True, slots=True)
class Line(Frozen):
    """A sentence that may be quoted, and its cosine with the question."""

    passage: Passage
    span: Span
    text: str
    words: tuple[str, ...]
    cosine: float = 0.0


async def read(context: Context, encoder: Encoder) -> tuple[Line, ...]:
    """Return the quotable sentences of all passages in rank order, none twice, with cosines."""
    lines = _lines(context)
    if not lines:
        return ()
    vectors = await encoder.encode([line.text for line in lines], "document")  # (n, h)
    query = (await encoder.encode([context.query.text], "query"))[0]  # (h,)
    cosines = (vectors @ query).tolist()
    return tuple(replace(line, cosine=c) for line, c in zip(lines, cosines, strict=True))


class Extractive:
    """The generator that quotes.

    `floor` is the least cosine of question and sentence, `limit` the most sentences. Why the floor
    stands where it stands: `docs/answers.md`.
    """

    def __init__(self, encoder: Encoder, floor: float, limit: int) -> None:
        self._encoder = encoder
        self._floor = floor
        self._limit = limit

    async def answer(self, context: Context) -> AsyncIterator[str | Answer]:
        """Yield the answer's sentences, then the `Answer`; an abstention yields only the latter."""
        lines = await read(context, self._encoder)
        if not lines:
            yield _abstain(context, "nothing was found to quote from")
            return
        best = max(line.cosine for line in lines)
        if best < self._floor:
            yield _abstain(
                context,
                f"no sentence of the {len(context.passages)} best passages is close enough to the "
                f"question: the best has {best:.2f}, the floor is {self._floor:.2f}",
            )
            return
        lexical = _lexical(context.query.text, lines)
        scores = [(line.cosine + words) / 2 for line, words in zip(lines, lexical, strict=True)]
        passing = [i for i, line in enumerate(lines) if line.cosine >= self._floor]
        chosen = sorted(passing, key=lambda i: (-scores[i], i))[: self._limit]
        answer = _write(context, [lines[i] for i in chosen])
        for i, sentence in enumerate(answer.sentences):
            yield f" {sentence.text}" if i else sentence.text
        yield answer


def _lines(context: Context) -> list[Line]:
    """Return the quotable sentences of all passages, in rank order, none twice."""
    lines: dict[tuple[str, ...], Line] = {}
    for passage in context.passages:
        text = passage.candidate.chunk.text
        for span in sentences(text):
            quote = text[span.start : span.end]
            words = tuple(_WORD.findall(quote.lower()))
            if len(words) >= _MIN_WORDS:
                lines.setdefault(words, Line(passage, span, quote, words))
    return list(lines.values())


def _lexical(question: str, lines: Sequence[Line]) -> list[float]:
    """Return the BM25+ score of each sentence, scaled so that the best has 1 and the least 0.

    BM25+ (Lv & Zhai, CIKM 2011) keeps every score positive, which BM25Okapi does not for the few
    sentences there are here.
    """
    model = BM25Plus([list(line.words) for line in lines])
    terms = sorted(set(_WORD.findall(question.lower())))
    scores = [float(score) for score in model.get_scores(terms)]
    low, high = min(scores), max(scores)
    return [(score - low) / (high - low) if high > low else 0.0 for score in scores]


def _write(context: Context, chosen: Sequence[Line]) -> Answer:
    """Join the chosen sentences, best first, and number the sources in order of appearance."""
    refs: dict[str, int] = {}
    references: list[Reference] = []
    parts: list[Sentence] = []
    position = 0
    for line in chosen:
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
        trace=(*context.trace, stage),
    )


def _abstain(context: Context, reason: str) -> Answer:
    stage = Stage("generate", 0.0, "ok", "abstained")
    return Answer(context.query, "", reason=reason, trace=(*context.trace, stage))
