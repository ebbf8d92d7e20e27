"""Encoders that fail, for processes that import them."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from indexers.encoders.hashed import HashedEncoder
from rag.values import Vector


class Failing(HashedEncoder):
    """Cannot encode; notes every try in a file."""

    def __init__(self, notes: Path) -> None:
        super().__init__(16)
        self.notes = notes

    async def encode(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vector:
        with self.notes.open("a") as file:
            file.write(f"{kind} {texts[0]}\n")
        raise MemoryError("too much")


class Dying(HashedEncoder):
    """Kills its process with the second batch, unless that has happened before."""

    calls = 0

    def __init__(self, died: Path) -> None:
        super().__init__(16)
        self.died = died

    async def encode(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vector:
        self.calls += 1
        if self.calls == 2 and not self.died.exists():
            self.died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return await super().encode(texts, kind)
