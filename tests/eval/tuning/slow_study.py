"""A study that takes its time, as a process of its own: it is there to be killed.

`python -m tests.eval.tuning.slow_study FOLDER SECONDS`: every evaluation is a line of
FOLDER/evaluated, and takes so long.
"""

import asyncio
import sys
from pathlib import Path

from eval.tuning.halves import Half
from eval.tuning.journal import Head, journal
from eval.tuning.searching import search
from eval.tuning.space import Point
from eval.tuning.values import Figures
from tests.eval.tuning.synthetic import Surface, study


def main(folder: Path, seconds: float) -> None:
    """Do the study in a folder."""
    surface = Surface(log=folder / "evaluated")

    async def evaluate(name: str, point: Point, half: Half) -> Figures:
        figures = await surface.evaluate(name, point, half)
        await asyncio.sleep(seconds)
        return figures

    with journal(folder, Head("synthetic", "1")) as kept:
        asyncio.run(search(study(8), evaluate, kept))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
