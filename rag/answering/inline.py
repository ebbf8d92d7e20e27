"""Writing with markers: the model reads the passages and says which of them it uses."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from rag.answering.best import best
from rag.answering.dictation import Dictation
from rag.answering.model import Model, completions
from rag.answering.prompting import Shown, history, numbered, question, showable
from rag.answering.writer import Piece, Written
from rag.citing.structure import Draft, Structuring, cut, references
from rag.errors import BadPrompt
from rag.prompts import prompt
from rag.quoting.lines import Read
from rag.rewrite.replies import unthought
from rag.seams import Encoder
from rag.values import Complete, Completed, Context, Prompt, Query, Stage


class Inline:
    """The writer of inline citations; several drafts where a query or the settings say so.

    Args:
        model: see there.
        encoder: of sentences, to tell which draft is cited best.
    """

    def __init__(self, model: Model, encoder: Encoder) -> None:
        self._model = model
        self._encoder = encoder

    async def write(self, context: Context, found: Read) -> AsyncGenerator[Piece, None]:
        """Yield the text while it is written; the best of several is yielded at once.

        Raises:
            RagError: the model cannot be asked, or fails before it has written anything.
        """
        shown = showable(context.passages)
        if not shown.passages:
            raise BadPrompt("every passage gives orders to its reader: none was shown")
        asked = ask(context.query, shown, self._model.limits.sentences)
        samples = context.query.handled.samples or self._model.samples
        writing = (
            self._streamed(asked, shown, context)
            if samples == 1
            else self._best(asked, shown, context, found, samples)
        )
        async with aclosing(writing):
            async for piece in writing:
                yield piece

    async def _streamed(
        self, asked: Prompt, shown: Shown, context: Context
    ) -> AsyncGenerator[Piece, None]:
        llm = await self._model.llm()
        request = Complete(asked, self._model.tokens)
        known = references(context.passages)
        dictation = Dictation(llm, request, shown.passages, self._model.limits, known)
        async with aclosing(dictation.take(self._model.seconds)) as said:
            async for told in said:
                yield told
        draft = dictation.draft
        yield Written(draft, dictation.stage(*_told(draft, shown)))

    async def _best(
        self, asked: Prompt, shown: Shown, context: Context, found: Read, samples: int
    ) -> AsyncGenerator[Piece, None]:
        """Write several drafts, the first greedily, and yield the one that is cited best."""
        model = self._model
        requests = [
            Complete(asked, model.tokens, model.temperature if seed else 0.0, seed)
            for seed in range(samples)
        ]
        driven = await model.drive(completions(requests))
        drafts = [_draft(reply, shown, model.limits.sentences) for reply in driven.result]
        place, recall = await best(drafts, context, found, self._encoder)
        draft, known = drafts[place], references(context.passages)
        if draft.text:
            yield draft.text
        for claim in draft.claims:
            yield cut(claim, known)
        told = f"draft {place + 1} of {samples}, citation recall {recall:.2f}"
        detail = ", ".join((*_told(draft, shown), told))
        yield Written(draft, Stage("generate", 0.0, detail=detail, cost=driven.cost))


def ask(query: Query, shown: Shown, sentences: int) -> Prompt:
    """Return the prompt for an answer with inline citations, what was said before in front."""
    refs = [passage.ref for passage in shown.passages]
    asked = prompt("answer-inline").fill(
        passages=numbered(shown.passages),
        question=question(query.text),
        sentences=str(sentences),
        refs=", ".join(f"[{ref}]" for ref in refs),
    )
    return (*history(query.history, refs), *asked)


def _draft(reply: Completed, shown: Shown, most: int) -> Draft:
    """Return a whole reply as a draft of at most so many sentences."""
    writing = Structuring(shown.passages)
    for _ in (*writing.feed(unthought(reply.text).strip()), *writing.close(not reply.cut)):
        pass
    draft = writing.draft
    if len(draft.claims) <= most:
        return draft
    claims = draft.claims[:most]
    return replace(draft, text=draft.text[: claims[-1].end], claims=claims)


def _told(draft: Draft, shown: Shown) -> tuple[str, ...]:
    parts = {
        f"inline, {len(draft.claims)} sentences": True,
        f"{draft.dropped} citations of nothing that was shown": draft.dropped,
        f"{shown.kept_back} passages that give orders not shown": shown.kept_back,
    }
    return tuple(part for part, there in parts.items() if there)
