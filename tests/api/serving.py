"""A server in a process of its own, over the tests' documents: `python -m tests.api.serving`.

What `firstcite serve` does, but with an encoder that needs no model; the settings are those of the
working folder and the environment.
"""

import asyncio
import re
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from api.app import create_app
from api.listening import server_of
from api.logs import log_config
from api.patience import Limits
from indexers.encoders.hashed import HashedEncoder
from indexers.splitting.pieces import whole
from rag.settings import load_settings, quiet
from rag.values import Vector
from rag.wiring import Engine


class Obedient(HashedEncoder):
    """Waits where a text says "wait n s"; fails at a "defect", and quotes it as libraries do."""

    async def encode(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vector:
        """Return the vectors.

        Raises:
            ValueError: a text has the word "defect".
        """
        for text in texts:
            if "defect" in text:
                raise ValueError(f"cannot read {text!r}")
            if said := re.search(r"wait ([0-9.]+) s", text):
                await asyncio.sleep(float(said[1]))
        return await super().encode(texts, kind)


def main() -> None:
    """Serve until asked to end."""
    quiet()
    settings = load_settings(Path("firstcite.toml"))
    app = create_app(settings, lambda: Engine(settings, Obedient(), whole))
    asked = settings.server
    limits = Limits(asked.max_connections, asked.patience_s)
    logs = log_config(texts=asked.log_texts)
    server = server_of(app, port=asked.port, limits=limits, log_config=logs)
    signal.signal(signal.SIGTERM, server.handle_exit)
    server.run()


if __name__ == "__main__":
    main()
