"""Quote, then state (ReClaim, arXiv 2407.01796): evidence and claim take turns.

The model writes a sentence of the passages, and nothing else: a local one follows the prefix tree
of all of them; any other one names a sentence by its letter. Then it says what that sentence
tells. So every claim has one quote, which stands in a document.
"""

import time
from collections.abc import AsyncGenerator, Sequence
from string import ascii_uppercase

from rag.answering.extractive import as_citation
from rag.answering.model import Model, completions
from rag.answering.prompting import question, showable
from rag.answering.stating import placed, said, statement
from rag.answering.writer import Piece, Written
from rag.citing.structure import Claim, Draft, cut, references
from rag.errors import BadPrompt, RagError
from rag.flows import Driven, Flow, stopped
from rag.outside.harmless import harmless
from rag.prompts import prompt
from rag.quoting.choosing import outdated
from rag.quoting.lines import Line, Read
from rag.quoting.weights import QUOTED
from rag.values import Choose, Chosen, Complete, Context, Cost, Stage

OFFERED = 20
"""Sentences that may be quoted, the likeliest: as many as windows of rerankers have letters."""

DONE = "Nothing more."
"""What the model writes in place of a further sentence."""


class QuoteFirst:
    """The writer whose every sentence follows its quote."""

    def __init__(self, model: Model) -> None:
        self._model = model

    async def write(self, context: Context, found: Read) -> AsyncGenerator[Piece, None]:
        """Yield the claims one by one, each after its quote was chosen.

        Raises:
            RagError: the model cannot be asked, or fails before the first claim.
        """
        left, known = offered(context, found), references(context.passages)
        if not left:
            raise BadPrompt("every passage gives orders to its reader: none was shown")
        stage, cost = Stage("generate", 0.0), Cost()
        ends = time.monotonic() + self._model.seconds
        claims: list[Claim] = []
        try:
            while left and len(claims) < self._model.limits.sentences:
                quote = await self._quote(context, left, claims, ends)
                cost += quote.cost
                if quote.result is None:
                    break
                evidence = as_citation(context, left.pop(quote.result))
                telling = completions([statement(context, [evidence])])
                driven = await self._model.drive(telling, ends)
                cost += driven.cost
                (reply,) = driven.result
                start = claims[-1].end + 1 if claims else 0
                claims.append(placed(said(reply.text, [evidence], reply.cut), start, [evidence]))
                yield f" {claims[-1].text}" if start else claims[-1].text
                yield cut(claims[-1], known)
        except RagError as error:
            if not claims:
                raise
            stage = stopped(stage, error)
        draft = Draft(" ".join(claim.text for claim in claims), tuple(claims))
        detail = f"quote first, {len(claims)} sentences"
        detail = f"{detail}; {stage.detail}" if stage.detail else detail
        yield Written(draft, Stage("generate", 0.0, stage.status, detail, cost))

    async def _quote(
        self, context: Context, left: Sequence[Line], claims: Sequence[Claim], ends: float
    ) -> Driven[int | None]:
        llm = await self._model.llm()
        flow = copied if llm.spec.constrains else named
        answered = " ".join(claim.text for claim in claims)
        return await self._model.drive(flow(context.query.text, left, answered), ends)


def offered(context: Context, found: Read) -> list[Line]:
    """Return the likeliest lines of passages that give no orders, in the order they stand.

    What is outdated is not among them.
    """
    likely = QUOTED.probabilities(found)
    shown = {one.ref for one in showable(context.passages).passages}
    old = outdated(found)
    usable = [i for i, line in enumerate(found.lines) if line.passage.ref in shown and i not in old]
    best = sorted(usable, key=lambda i: (-likely[i], i))[:OFFERED]
    return [found.lines[i] for i in sorted(best)]


def copied(text: str, lines: Sequence[Line], answered: str) -> Flow[int | None]:
    """Return the place of the line that the model writes, None where it writes that it is done.

    The first quote is a line: an answer begins with one.
    """
    texts = [harmless(line.text) for line in lines]
    asked = prompt("answer-quote").fill(
        sentences="\n".join(texts), question=question(text), answered=answered, done=DONE
    )
    among = (*dict.fromkeys(texts), *((DONE,) if answered else ()))
    (reply,) = yield from completions([Complete(asked, among=among)])
    return texts.index(reply.text) if reply.text in texts else None


def named(text: str, lines: Sequence[Line], answered: str) -> Flow[int | None]:
    """Return the place of the line whose letter the model finds likeliest, None where it is done.

    The last letter stands for that.
    """
    texts = [harmless(line.text) for line in lines[: OFFERED - 1]]
    if answered:
        texts.append(DONE)
    letters = tuple(ascii_uppercase[: len(texts)])
    shown = "\n".join(f"{letter}: {one}" for letter, one in zip(letters, texts, strict=True))
    asked = prompt("answer-choice").fill(
        sentences=shown, question=question(text), answered=answered
    )
    (reply,) = yield [Choose(asked, letters)]
    logprobs = list(reply.logprobs) if isinstance(reply, Chosen) else []
    known = [i for i, p in enumerate(logprobs) if p is not None]
    if not known:
        return None
    best = max(known, key=lambda i: (logprobs[i] or 0.0, -i))
    return None if texts[best] == DONE else best
