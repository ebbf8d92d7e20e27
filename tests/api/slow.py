"""An encoder that is at work on one query until nobody waits for it any more."""

import asyncio
import threading
from collections.abc import Sequence
from io import StringIO
from typing import Literal, TextIO

from indexers.encoders.hashed import HashedEncoder
from rag.values import Vector


class Slow(HashedEncoder):
    """Encodes "slow" for half a minute, and says when that began and was ended."""

    def __init__(self, out: TextIO | None = None) -> None:
        super().__init__()
        self.begun, self.ended = threading.Event(), threading.Event()
        self._out = out or StringIO()

    async def encode(self, texts: Sequence[str], role: Literal["query", "document"]) -> Vector:
        if "slow" in texts:
            self.begun.set()
            self._tell("slow begun\n")
            try:
                await asyncio.sleep(30)
            finally:
                self.ended.set()
                self._tell("slow ended\n")
        return await super().encode(texts, role)

    def _tell(self, line: str) -> None:
        self._out.write(line)
        self._out.flush()
