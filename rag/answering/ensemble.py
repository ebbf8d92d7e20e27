"""An ensemble over passages (REPLUG, arXiv 2301.12652): each is read alone, the readings are mixed.

The next token is the likeliest under Σ λ_d p(y | d), the weights λ a softmax of how near each
passage is to the question. What a passage added to a token is its posterior λ_d p_d(y) / Σ λ p(y):
a sentence cites the passages whose mean share in it is high.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import numpy as np

from rag.answering.dictation import Dictation
from rag.answering.model import Model
from rag.answering.prompting import question, showable, told
from rag.answering.writer import Piece, Written
from rag.citing.holding import Holding
from rag.citing.structure import MOST, Claim, Draft, cut, references
from rag.errors import BadPrompt
from rag.prompts import prompt
from rag.quoting.lines import Read
from rag.seams import Encoder
from rag.values import Complete, Completed, Context, Passage, Prompt

SHARE = 0.5
"""A passage is cited whose share in a sentence is at least this part of the largest one; chosen."""


class Ensemble:
    """The writer that mixes what the model says after each passage; for local models.

    Args:
        model: see there.
        encoder: of passages, for their weights.
    """

    def __init__(self, model: Model, encoder: Encoder) -> None:
        self._model = model
        self._encoder = encoder

    async def write(self, context: Context, found: Read) -> AsyncGenerator[Piece, None]:
        """Yield the text while it is written, and its sentences when it is.

        Raises:
            RagError: the model cannot be asked or cannot mix, or fails before it has written.
        """
        passages = showable(context.passages).passages
        if not passages:
            raise BadPrompt("every passage gives orders to its reader: none was shown")
        llm = await self._model.llm()
        first, *beside = (alone(context, one, self._model.limits.sentences) for one in passages)
        weights = await self._weights(passages, found)
        request = Complete(first, self._model.tokens, beside=tuple(beside), weights=weights)
        known = references(context.passages)
        dictation = Dictation(llm, request, (), self._model.limits, known)
        async with aclosing(dictation.take(self._model.seconds)) as said:
            async for one in said:
                if isinstance(one, str):
                    yield one
        draft = attributed(dictation.draft, dictation.reply, passages)
        for claim in draft.claims:
            yield cut(claim, known)
        told = f"ensemble of {len(passages)} passages, {len(draft.claims)} sentences"
        yield Written(draft, dictation.stage(told))

    async def _weights(self, passages: Sequence[Passage], found: Read) -> tuple[float, ...]:
        texts = [passage.candidate.chunk.indexed_text for passage in passages]
        cosines = await self._encoder.encode(texts, "document") @ found.query  # (d,)
        powers = np.exp(cosines - cosines.max())
        return tuple((powers / powers.sum()).tolist())


def alone(context: Context, passage: Passage, sentences: int) -> Prompt:
    """Return the prompt of one passage."""
    return prompt("answer-alone").fill(
        passage=told(passage), question=question(context.query.text), sentences=str(sentences)
    )


def attributed(draft: Draft, reply: Completed | None, passages: Sequence[Passage]) -> Draft:
    """Return a draft whose sentences cite the passages with the largest mean shares in them.

    Without shares, for the writing was ended before its end, they cite nothing: verification finds
    what carries them.
    """
    spans, shares = _shares(reply) if reply else ([], [])
    claims = []
    for claim in draft.claims:
        mine = [
            share
            for (start, end), share in zip(spans, shares, strict=True)
            if start < claim.end and claim.start < end
        ]
        claims.append(_citing(claim, mine, passages))
    return Draft(draft.text, tuple(claims), draft.dropped)


def _shares(reply: Completed) -> tuple[list[tuple[int, int]], list[tuple[float, ...]]]:
    """Return where each piece stands in the text without markers, and its shares."""
    holding, shown = Holding(()), 0
    spans, shares = [], []
    for piece in reply.pieces:
        after = shown + len(holding.feed(piece.text))
        spans.append((shown, max(after, shown + 1)))
        shares.append(piece.shares)
        shown = after
    return spans, shares


def _citing(claim: Claim, shares: Sequence[Sequence[float]], passages: Sequence[Passage]) -> Claim:
    if not shares:
        return claim
    mean = np.mean(shares, axis=0)  # (d,)
    order = sorted(range(len(passages)), key=lambda d: (-mean[d], d))
    cited = [passages[d] for d in order[:MOST] if mean[d] >= SHARE * mean[order[0]]]
    return Claim(claim.text, claim.start, claim.end, tuple(cited), (), claim.whole)
