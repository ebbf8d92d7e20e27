"""A model says what each chunk is about within its document, which is indexed with it.

"Contextual retrieval" (Anthropic, 2024): chunks that say "it grew by 3 %" are found by what the
document around them says. The text of a chunk stays as it is: what was written stands in its
context alone, after title and headings, and is never quoted.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TypeAlias

from indexers.splitting.pieces import identified
from rag.errors import BadPrompt, RagError
from rag.flows import Budget, Flow, drive
from rag.outside.harmless import harmless
from rag.outside.orders import orders
from rag.outside.refusals import refuses
from rag.outside.size import shortened, size
from rag.outside.words import foreign, repeats
from rag.prompts import prompt
from rag.rewrite.asking import written
from rag.rewrite.checks import marked
from rag.rewrite.replies import unthought
from rag.seams import LLM
from rag.values import Chunk, Complete, Cost, Document, Frozen, Notice, is_unicode

TOGETHER = 16  # chunks asked about in one batch
SHOWN = 4_000  # the most that a prompt shows of a document, in the units of `rag.outside.size`
_CHARACTERS = 8  # of text for each of these units, at most: what is looked at to find so many
UNLIMITED = Budget(calls=math.inf)

Situation: TypeAlias = str | RagError
"""What a model wrote about a chunk, "" where that cannot be used, or why it did not."""


@dataclass(frozen=True, slots=True)
class Contexted(Frozen):
    """The chunks of each document, with ids of their own where they were put in context."""

    chunks: tuple[tuple[Chunk, ...], ...]
    notices: tuple[Notice, ...] = ()
    cost: Cost = field(default=Cost())


async def contextual(
    split: Sequence[tuple[Document, Sequence[Chunk]]],
    llm: LLM,
    tokens: int = 100,
    fit: Callable[[str], str] = str,
    budget: Budget = UNLIMITED,
) -> Contexted:
    """Return chunks with what a model says of their place in their documents.

    A chunk of which it says nothing that can be used stays as it is, and a notice says how many of
    a document do, and why. A model that fails is not asked again.

    Args:
        split: documents with chunks of each, all of them or those at hand.
        llm: is asked once for each chunk.
        tokens: the most that may be written about a chunk.
        fit: cuts a context to what the encoder can read beside the chunk (`fitting`).
        budget: the most that may be asked for.
    """
    wanted = [(document, chunk) for document, chunks in split for chunk in chunks]
    driven = await drive(situated(wanted, llm.spec.context_window, tokens), llm, budget)
    situations = iter(driven.result)
    found: list[tuple[Chunk, ...]] = []
    notices: list[Notice] = []
    for document, chunks in split:
        said = list(islice(situations, len(chunks)))
        found.append(tuple(map(_placed, chunks, said, [fit] * len(chunks))))
        notices.extend(_notices(document, said))
    return Contexted(tuple(found), tuple(notices), driven.cost)


def situated(
    wanted: Sequence[tuple[Document, Chunk]], window: int, tokens: int
) -> Flow[tuple[Situation, ...]]:
    """Return what situates each chunk in its document.

    Args:
        wanted: chunks with their documents.
        window: tokens that the model reads, together with what it writes.
        tokens: the most that it may write.
    """
    found: list[Situation] = []
    for start in range(0, len(wanted), TOGETHER):
        batch = wanted[start : start + TOGETHER]
        requests = [_request(document, chunk, window, tokens) for document, chunk in batch]
        try:
            replies = yield from _replies(requests)
        except RagError as error:
            return (*found, *([error] * (len(wanted) - len(found))))
        for (_, chunk), reply in zip(batch, replies, strict=True):
            usable = reply if isinstance(reply, RagError) else cleaned(reply, chunk.text, tokens)
            found.append(usable)
    return tuple(found)


def _replies(requests: Sequence[Complete]) -> Flow[list[Situation]]:
    """Return the replies; where one prompt is bad, the others are asked without it."""
    try:
        return [*written((yield requests))]
    except BadPrompt as error:
        if len(requests) == 1:
            return [error]
    found: list[Situation] = []
    for request in requests:
        found += yield from _replies([request])
    return found


def _request(document: Document, chunk: Chunk, window: int, tokens: int) -> Complete:
    # Half of the window: what is counted here may be .6 less than the model's tokens.
    room = min(SHOWN, max(0, (window - tokens) // 2))
    shown = shortened(harmless(chunk.text), room // 2)
    asked = prompt("situate").fill(
        title=shortened(harmless(document.title), 50),
        document=around(document.text, chunk.start, chunk.end, shown, room - 2 * size(shown)),
        chunk=shown,
    )
    return Complete(asked, tokens)


def around(text: str, start: int, end: int, shown: str, most: int) -> str:
    """Return what a prompt shows of a document: a chunk with what stands on both sides of it.

    Args:
        text: of the document.
        start: of the chunk.
        end: of the chunk.
        shown: the chunk as it is shown.
        most: the size of both sides together.
    """
    most = max(0, most)
    reach = _CHARACTERS * most
    before = harmless(text[max(0, start - reach) : start])
    after = harmless(text[end : end + reach])
    left = _ending(before, most - min(most // 2, size(after)))
    right = shortened(after, most - size(left))
    return " ".join(filter(None, (left, shown, right)))


def _ending(text: str, most: int) -> str:
    """Return the end of a text that has at most that size, which is the same from behind."""
    return shortened(text[::-1], most)[::-1]


def cleaned(reply: str, text: str, most: int) -> str:
    """Return a reply as it may stand in a context, "" where it cannot be used.

    It is on one line, without thoughts and control strings, and of at most that size. Not used is
    what repeats the prompt, refuses, gives orders, goes round in circles, or is in another language
    than the text.

    >>> cleaned("<think>Hm.</think>Of the freezer.", "The freezer hums.", 9)
    'Of the freezer.'
    >>> cleaned("I'm sorry, I cannot help.", "The freezer hums.", 9)
    ''
    """
    said = shortened(harmless(unthought(reply)), most)
    is_text = is_unicode(said) and any(map(str.isalnum, said)) and not marked(reply)
    if not is_text or refuses(said) or orders(said) or repeats(said) or foreign(said, text):
        return ""
    return said


def _placed(chunk: Chunk, said: Situation, fit: Callable[[str], str]) -> Chunk:
    if isinstance(said, RagError) or not said:
        return chunk
    context = fit(f"{chunk.context}\n{said}" if chunk.context else said)
    return identified(replace(chunk, context=context))


def _notices(document: Document, said: Sequence[Situation]) -> Iterator[Notice]:
    """Yield for each reason how many chunks of a document are without a context for it."""
    counts: dict[str, int] = defaultdict(int)
    for one in said:
        if isinstance(one, RagError):
            counts[str(one)] += 1
        elif not one:
            counts["it wrote nothing that can be used"] += 1
    for reason, count in counts.items():
        told = f"{count} of {len(said)} chunks are without a context by the model: {reason}"
        yield Notice(document.source, told)
