"""A language model behind HTTP that writes what a test wants, in a thread."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.rag.llms.upstream import Asked, Step, Upstream, Write, serving, status

Writer = Callable[[str], str]
"""Writes a reply to the last message of a prompt."""


def says(text: str) -> Step:
    """Return the step that answers a chat with a text."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}}
    spent = {"prompt_tokens": 9, "completion_tokens": len(text.split())}
    return status(200, {"choices": [{**choice, "finish_reason": "stop"}], "usage": spent})


@dataclass
class Canned(Upstream):
    """Takes one step for every chat."""

    step: Step = field(default_factory=lambda: says(""))

    async def answer(self, asked: Asked, write: Write) -> None:
        """Answer one request."""
        chat = asked.path.endswith("chat/completions")
        await (self.step(asked, write) if chat else super().answer(asked, write))


@contextmanager
def running(upstream: Upstream, port: int = 0) -> Iterator[Upstream]:
    """Serve in a thread of its own; whoever asks must leave before the end."""
    started, ended = threading.Event(), threading.Event()

    async def serve() -> None:
        async with serving(upstream, port):
            started.set()
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert started.wait(5)
    try:
        yield upstream
    finally:
        ended.set()
        thread.join(5)
        assert not thread.is_alive()
