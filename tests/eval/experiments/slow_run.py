"""An experiment whose model takes its time, as a process of its own: it is there to be killed.

`python -m tests.eval.experiments.slow_run FOLDER`: the file is FOLDER/experiment.toml; every
question that is reranked is a line of FOLDER/asked.
"""

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from eval.experiments.running import WARM
from rag.llms.scripted import ScriptedLLM
from rag.values import Score, Scored
from tests.eval.experiments.fakes import Lab

SECONDS = 0.15


class Slow(ScriptedLLM):
    """A model that takes its time and notes what it was asked."""

    def __init__(self, log: Path) -> None:
        super().__init__()
        self._log = log

    async def score(self, requests: Sequence[Score]) -> tuple[Scored, ...]:
        """Return scores, late."""
        question = requests[0].continuation.strip()
        await asyncio.sleep(SECONDS)
        if question != WARM:
            with self._log.open("a", encoding="utf-8") as log:
                log.write(f"{question}\n")
        return await super().score(requests)


def main(folder: Path) -> None:
    """Run the experiment in a folder."""
    text = (folder / "experiment.toml").read_text(encoding="utf-8")
    asyncio.run(Lab(folder, Slow(folder / "asked")).run(text))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell has it ignored
    main(Path(sys.argv[1]))
