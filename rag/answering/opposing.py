"""What of the passages contradicts an answer, or what it cites."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rag.citing.sentences import cite
from rag.citing.structure import references
from rag.quoting.lines import Read
from rag.values import Citation, Context, Contradiction, Sentence
from rag.verify.contradictions import contradictions

NEAR = 0.6  # chosen: sentences further apart by their cosine are not about the same
MOST = 5  # chosen: contradictions that are shown


def opposing(
    sentences: Sequence[Sentence], context: Context, found: Read
) -> tuple[Contradiction, ...]:
    """Return what other documents say against the quotes of an answer, each pair once.

    What is superseded says nothing against what holds.
    """
    shown: dict[frozenset[tuple[str, int]], Contradiction] = {}
    for quote in dict.fromkeys(one for sentence in sentences for one in sentence.citations):
        for other in _near(quote, context, found):
            for pair in contradictions((quote, other)):
                shown.setdefault(frozenset((_place(pair.one), _place(pair.other))), pair)
    return tuple(shown.values())[:MOST]


def _near(quote: Citation, context: Context, found: Read) -> Iterator[Citation]:
    """Yield the lines that may be about the same; those of its document never contradict it."""
    mine = next((i for i, line in enumerate(found.lines) if line.text == quote.quote), None)
    if mine is None:
        return
    numbers = references(context.passages)
    cosines = found.vectors @ found.vectors[mine]  # (n,)
    for line, cosine in zip(found.lines, cosines.tolist(), strict=True):
        if cosine >= NEAR and (quote.superseded or not line.superseded):
            ref = numbers[line.document].ref
            yield replace(cite(line.passage, line.span, cosine), ref=ref, support="unknown")


def _place(citation: Citation) -> tuple[str, int]:
    return citation.document_id, citation.start
