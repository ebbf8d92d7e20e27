"""The sentences of the passages that may be quoted, and how near each is to the question."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from rank_bm25 import BM25Plus

from rag.citing.sentences import Span, sentences
from rag.seams import Encoder
from rag.values import Context, Frozen, Passage, Vector

# A word, or one character of Chinese or Japanese, which write no spaces.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")
_MIN_WORDS = 3  # chosen: shorter sentences are captions and remnants


@dataclass(frozen=True, slots=True)
class Line(Frozen):
    """A sentence that may be quoted.

    `cosine` is that with the question, `lexical` BM25 among the lines, the best of them 1.
    """

    passage: Passage
    span: Span
    text: str
    words: tuple[str, ...]
    cosine: float = 0.0
    lexical: float = 0.0

    @property
    def document(self) -> str:
        """The id of the document it stands in."""
        return self.passage.candidate.chunk.document_id

    @property
    def start(self) -> int:
        """Where in the document it starts."""
        return self.passage.candidate.chunk.start + self.span.start


@dataclass(frozen=True, slots=True, eq=False)
class Read(Frozen):
    """The lines of all passages and their unit vectors, and that of the question."""

    lines: tuple[Line, ...]
    vectors: Vector  # (n, h)
    query: Vector  # (h,)


async def read(context: Context, encoder: Encoder) -> Read:
    """Return the quotable sentences of all passages, the best passage's first, none twice."""
    lines = _lines(context)
    if not lines:
        nothing = np.zeros((0, encoder.spec.dimension), np.float32)
        return Read((), nothing, np.zeros(encoder.spec.dimension, np.float32))
    vectors = await encoder.encode([line.text for line in lines], "document")  # (n, h)
    query = (await encoder.encode([context.query.text], "query"))[0]  # (h,)
    cosines = (vectors @ query).tolist()
    lexical = _lexical(context.query.text, lines)
    return Read(
        tuple(
            replace(line, cosine=c, lexical=b)
            for line, c, b in zip(lines, cosines, lexical, strict=True)
        ),
        vectors,
        query,
    )


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text in lower case, each Chinese or Japanese character one.

    >>> words("Two words 猫")
    ('two', 'words', '猫')
    """
    return tuple(_WORD.findall(text.lower()))


def ranked(context: Context) -> list[Passage]:
    """Return the passages, best first, in whatever order they are shown."""
    return sorted(context.passages, key=lambda passage: -passage.candidate.score)


def _lines(context: Context) -> list[Line]:
    """Return the quotable sentences of all passages, in rank order, none twice."""
    lines: dict[tuple[str, ...], Line] = {}
    for passage in ranked(context):
        text = passage.candidate.chunk.text
        for span in sentences(text):
            quote = text[span.start : span.end]
            said = words(quote)
            if len(said) >= _MIN_WORDS:
                lines.setdefault(said, Line(passage, span, quote, said))
    return list(lines.values())


def _lexical(question: str, lines: Sequence[Line]) -> list[float]:
    """Return the BM25+ score of each sentence, scaled so that the best has 1 and the least 0.

    BM25+ (Lv & Zhai, CIKM 2011) keeps every score positive, which BM25Okapi does not for the few
    sentences there are here.
    """
    model = BM25Plus([list(line.words) for line in lines])
    scores = [float(score) for score in model.get_scores(sorted(set(words(question))))]
    low, high = min(scores), max(scores)
    return [(score - low) / (high - low) if high > low else 0.0 for score in scores]
