"""The sentences of the passages that may be quoted, and how near each is to the question."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from rank_bm25 import BM25Plus

from rag.citing.sentences import Span, sentences
from rag.quoting.asked import counter
from rag.seams import Encoder
from rag.values import Context, Frozen, Passage, Vector

# A word, or one character of Chinese or Japanese, which write no spaces.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")
_MIN_WORDS = 3  # chosen: shorter sentences are captions and remnants
_CALM = 0.05  # chosen: keeps a text that only repeats its title from being divided by nothing


@dataclass(frozen=True, slots=True)
class Line(Frozen):
    """A sentence that may be quoted.

    `cosine` is that with the question, `beyond` that of what both say beyond the title of the
    line's document, `lexical` BM25 among the lines, the best of them 1; `asked` counts signs of
    what the question asks for (`rag.quoting.asked`).
    """

    passage: Passage
    span: Span
    text: str
    words: tuple[str, ...]
    cosine: float = 0.0
    beyond: float = 0.0
    lexical: float = 0.0
    asked: int = 0

    @property
    def document(self) -> str:
        """The id of the document it stands in."""
        return self.passage.candidate.chunk.document_id

    @property
    def superseded(self) -> bool:
        """Whether another document says otherwise by now."""
        return bool(self.passage.candidate.chunk.valid_to)

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
    titles = list(dict.fromkeys(title for line in lines if (title := _title(line))))
    texts = [line.text for line in lines]
    encoded = await encoder.encode([*texts, *titles], "document")  # (n + t, h)
    vectors = encoded[: len(lines)]  # (n, h)
    query = (await encoder.encode([context.query.text], "query"))[0]  # (h,)
    nothing = np.zeros_like(query)
    known = dict(zip(titles, encoded[len(lines) :], strict=True))
    titled = np.stack([known.get(_title(line), nothing) for line in lines])  # (n, h)
    cosines, count = vectors @ query, counter(context.query.text)
    numbers = zip(
        cosines.tolist(),
        _beyond(vectors, titled, query).tolist(),
        _lexical(context.query.text, lines),
        strict=True,
    )
    return Read(
        tuple(
            replace(line, cosine=cosine, beyond=beyond, lexical=lexical, asked=count(line.text))
            for line, (cosine, beyond, lexical) in zip(lines, numbers, strict=True)
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
                line = Line(passage, span, quote, said)
                if lines.setdefault(said, line).superseded:  # what still says it, says it better
                    lines[said] = line
    return list(lines.values())


def _title(line: Line) -> str:
    return line.passage.candidate.chunk.title


def _beyond(vectors: Vector, titled: Vector, query: Vector) -> Vector:
    """Return the partial cosine of each line and the question, what the title explains taken out.

    (c − t·u) / √((1 − t²)(1 − u²)), c their cosine, t and u those with the title. The title, which
    a row of `titled` is the vector of, is zero where there is none.
    """
    with_query = titled @ query  # (n,)
    with_lines = (vectors * titled).sum(axis=1)  # (n,)
    left = (1 + _CALM - with_query**2) * (1 + _CALM - with_lines**2)
    partial: Vector = (vectors @ query - with_query * with_lines) / np.sqrt(left)
    return partial


def _lexical(question: str, lines: Sequence[Line]) -> list[float]:
    """Return the BM25+ score of each sentence, scaled so that the best has 1 and the least 0.

    BM25+ (Lv & Zhai, CIKM 2011) keeps every score positive, which BM25Okapi does not for the few
    sentences there are here.
    """
    model = BM25Plus([list(line.words) for line in lines])
    scores = [float(score) for score in model.get_scores(sorted(set(words(question))))]
    low, high = min(scores), max(scores)
    return [(score - low) / (high - low) if high > low else 0.0 for score in scores]
