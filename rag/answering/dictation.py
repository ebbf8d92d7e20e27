"""Taking down what a model says: text without markers and thoughts, sentence by sentence."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from dataclasses import replace

from rag.answering.model import Unthinking, paced
from rag.citing.structure import Draft, Structuring
from rag.errors import RagError
from rag.flows import cost_of, stopped
from rag.outside.words import repeats
from rag.quoting.choosing import Limits
from rag.quoting.lines import words
from rag.seams import LLM
from rag.values import Complete, Completed, Cost, Cut, Message, Passage, Reference, Stage


class Dictation:
    """One text that a model writes.

    It ends with the model's text, where it is long enough or goes round in circles, or with an
    error; then what was said stands, but for the sentence that was not finished.

    Args:
        llm: says it.
        request: what it is asked.
        passages: those that may be cited.
        limits: how long it may be.
        known: the numbers of all packed documents.
    """

    def __init__(
        self,
        llm: LLM,
        request: Complete,
        passages: Iterable[Passage],
        limits: Limits,
        known: Mapping[str, Reference],
    ) -> None:
        self.reply: Completed | None = None
        self._llm = llm
        self._request = request
        self._said = ""
        self._writing = Structuring(passages, known=known)
        self._limits = limits
        self._error: RagError | None = None

    @property
    def draft(self) -> Draft:
        """What was said so far."""
        return self._writing.draft

    async def take(self, seconds: float) -> AsyncGenerator[str | Cut, None]:
        """Yield what may be shown while it is said, and the sentences that it completes.

        Args:
            seconds: the most time.

        Raises:
            RagError: from the model, before anything could be shown.
        """
        thinking = Unthinking()
        stream = paced(self._llm.stream(self._request), seconds)
        try:
            async with aclosing(stream):
                async for piece in stream:
                    if isinstance(piece, Completed):
                        self.reply = piece
                        break
                    self._said += piece
                    for told in self._writing.feed(thinking.feed(piece)):
                        yield told
                    if self._full():
                        break
        except RagError as error:
            if not self.draft.text:
                raise
            self._error = error
        ended = self.reply is not None and not self.reply.cut
        for told in (*self._writing.feed(thinking.rest()), *self._writing.close(ended)):
            yield told

    def stage(self, *details: str) -> Stage:
        """Return what writing took: the parts that are not empty as its detail."""
        stage = Stage("generate", 0.0)
        if self._error is not None:
            stage = stopped(stage, self._error)
        cost = cost_of([self.reply]) if self.reply else self._cost()
        told = ", ".join(filter(None, (*details, stage.detail)))
        return replace(stage, detail=told, cost=cost)

    def _full(self) -> bool:
        """Whether enough was said, or it is said again and again."""
        draft, limits = self.draft, self._limits
        said = sum(len(words(claim.text)) for claim in draft.claims) if limits.words else -1
        return len(draft.claims) >= limits.sentences or said >= limits.words or repeats(draft.text)

    def _cost(self) -> Cost:
        """Return what a text cost that was left before its end."""
        read = sum(map(self._llm.count_tokens, (self._request.prompt, *self._request.beside)))
        written = self._llm.count_tokens((Message("user", self._said),))
        empty = self._llm.count_tokens((Message("user", ""),))
        return Cost(calls=1, depth=1, tokens_in=read, tokens_out=written - empty)
