"""Attribute first, then generate (arXiv 2403.17104): what will be cited is chosen, then told.

Sentences are chosen as the extractive writer does and planned: those that say nearly the same make
one item. Each item becomes one sentence, which is written from nothing else: its citations are
right by construction, and whether it says what they say is verified like any other's.
"""

from collections.abc import AsyncGenerator, Sequence

from rag.answering.extractive import as_citation, quoted
from rag.answering.model import Model, completions
from rag.answering.stating import placed, said, statement
from rag.answering.writer import Piece, Written
from rag.citing.structure import MOST, Claim, Draft, cut, references
from rag.generate.choosing import Limits
from rag.generate.lines import Line, Read
from rag.outside.orders import orders
from rag.values import Citation, Context, Stage

SAME = 0.7
"""Cosine from which two sentences make one item; chosen."""


class AttributeFirst:
    """The writer that chooses its evidence before it writes."""

    def __init__(self, model: Model) -> None:
        self._model = model

    async def write(self, context: Context, found: Read) -> AsyncGenerator[Piece, None]:
        """Yield a sentence per item of the plan; all are written side by side.

        A quote that gives orders is not shown to the model, but cited as it is.

        Raises:
            RagError: the model cannot be asked.
        """
        items = [
            tuple(as_citation(context, line) for line in lines)
            for lines in planned(found, self._model.limits)
        ]
        told = [i for i, quotes in enumerate(items) if not any(orders(q.quote) for q in quotes)]
        driven = await self._model.drive(completions([statement(context, items[i]) for i in told]))
        replies = dict(zip(told, driven.result, strict=True))
        texts = [
            said(replies[i].text, quotes, replies[i].cut) if i in replies else said("", quotes)
            for i, quotes in enumerate(items)
        ]
        known = references(context.passages)
        claims = claimed(texts, items)
        for i, claim in enumerate(claims):
            yield f" {claim.text}" if i else claim.text
            yield cut(claim, known)
        draft = Draft(" ".join(claim.text for claim in claims), tuple(claims))
        detail = f"attribute first, {len(claims)} sentences"
        yield Written(draft, Stage("generate", 0.0, detail=detail, cost=driven.cost))


def planned(found: Read, limits: Limits) -> list[list[Line]]:
    """Return the chosen lines by item, at most three in each, in the order of the answer."""
    rows = {id(line): row for line, row in zip(found.lines, found.vectors, strict=True)}
    items: list[list[Line]] = []
    for line in quoted(found, limits):
        row = rows[id(line)]
        near = (
            item for item in items if len(item) < MOST and float(rows[id(item[0])] @ row) >= SAME
        )
        item = next(near, None)
        if item is None:
            items.append([line])
        else:
            item.append(line)
    return items


def claimed(texts: Sequence[str], items: Sequence[Sequence[Citation]]) -> list[Claim]:
    """Return sentences as claims, one space between them."""
    claims: list[Claim] = []
    for text, quotes in zip(texts, items, strict=True):
        start = claims[-1].end + 1 if claims else 0
        claims.append(placed(text, start, quotes))
    return claims
