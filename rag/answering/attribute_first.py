"""Attribute first, then generate (arXiv 2403.17104): what will be cited is chosen, then told.

Sentences are chosen as the extractive writer does and planned: those that say nearly the same make
one item. Each item becomes one sentence, which is written from nothing else: its citations are
right by construction, and whether it says what they say is verified like any other's.
"""

from collections.abc import AsyncGenerator, Sequence

from rag.answering.extractive import as_citation, quoted
from rag.answering.model import Model, completions
from rag.answering.prompting import showable
from rag.answering.stating import placed, said, statement
from rag.answering.writer import Piece, Written
from rag.citing.structure import MOST, Claim, Draft, cut, references
from rag.quoting.choosing import Limits
from rag.quoting.lines import Line, Read
from rag.values import Citation, Context, Stage, Vector

SAME, REPEATED = 0.7, 0.85
"""Cosines from which a chosen sentence joins an item, and one that was not chosen; chosen."""


class AttributeFirst:
    """The writer that chooses its evidence before it writes."""

    def __init__(self, model: Model) -> None:
        self._model = model

    async def write(self, context: Context, found: Read) -> AsyncGenerator[Piece, None]:
        """Yield a sentence per item of the plan; all are written side by side.

        A quote of a passage that gives orders is not shown to the model, but cited as it is.

        Raises:
            RagError: the model cannot be asked.
        """
        items = [
            tuple(as_citation(context, line) for line in lines)
            for lines in planned(found, self._model.limits)
        ]
        shown = {one.candidate.chunk.id for one in showable(context.passages).passages}
        told = [i for i, quotes in enumerate(items) if shown.issuperset(q.chunk_id for q in quotes)]
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
    """Return the chosen lines by item, at most three in each, in the order of the answer.

    A chosen line joins the first item that says nearly the same; then come lines of other documents
    that do: what an answer says once may have several sources.
    """
    places = {id(line): i for i, line in enumerate(found.lines)}
    near = found.vectors @ found.vectors.T  # (n, n)
    items: list[list[int]] = []
    for line in quoted(found, limits):
        i = places[id(line)]
        open_ = (item for item in items if len(item) < MOST and near[item[0], i] >= SAME)
        item = next(open_, None)
        if item is None:
            items.append([i])
        else:
            item.append(i)
    for item in items:
        item += _others(found, near[item[0]], item)[: MOST - len(item)]
    return [[found.lines[i] for i in item] for item in items]


def _others(found: Read, near: Vector, item: Sequence[int]) -> list[int]:
    """Return the lines that repeat an item, the nearest of each further document, best first."""
    documents = {found.lines[i].document for i in item}
    others: dict[str, int] = {}
    for i in sorted(range(len(found.lines)), key=lambda i: (-near[i], i)):
        if near[i] >= REPEATED and found.lines[i].document not in documents:
            others.setdefault(found.lines[i].document, i)
    return list(others.values())


def claimed(texts: Sequence[str], items: Sequence[Sequence[Citation]]) -> list[Claim]:
    """Return sentences as claims, one space between them."""
    claims: list[Claim] = []
    for text, quotes in zip(texts, items, strict=True):
        start = claims[-1].end + 1 if claims else 0
        claims.append(placed(text, start, quotes))
    return claims
