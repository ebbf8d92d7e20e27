"""What was heard of a stream so far, and the completion that it amounts to."""

from rag.llms.remote.labels import estimate
from rag.llms.remote.shapes import Chunk, Spent, usage
from rag.values import Completed


class Heard:
    """Collects the events of a stream. `finish` is the server's reason for ending, "" before."""

    def __init__(self) -> None:
        self.finish = ""
        self._pieces: list[str] = []
        self._spent: Spent | None = None

    def add(self, chunk: Chunk) -> str:
        """Take an event and return the text that it brings."""
        self._spent = chunk.usage or self._spent
        for choice in chunk.choices:
            self.finish = self.finish or choice.finish_reason or ""
        piece = "".join(choice.delta.content or "" for choice in chunk.choices)
        self._pieces.append(piece)
        return piece

    def completed(self) -> Completed:
        """Return the text as a whole; its tokens are estimated where the server does not say."""
        text = "".join(self._pieces)
        tokens = self._spent.completion_tokens if self._spent else estimate(text)
        return Completed(text, tokens, self.finish == "length", usage(self._spent))
