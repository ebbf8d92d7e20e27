"""What the handlers of routes are given: one value, for Litestar waits for several in a task group.

That costs a search .15 ms.
"""

from collections.abc import Callable
from dataclasses import dataclass

from api.jobs.runner import Runner
from api.jobs.shelf import Shelf
from api.metering import Meter
from rag.settings import Settings
from rag.wiring import Engine


@dataclass(frozen=True, slots=True)
class Uploads:
    """What takes uploads in."""

    shelf: Shelf
    runner: Runner
    collection: str  # of who names none
    most: int  # bytes of an upload
    most_json: int  # bytes of one that is read at once


@dataclass(frozen=True, slots=True)
class Given:
    """What a server is made of.

    Args:
        load: gives the engine.
        settings: those in effect.
        meter: counts what is asked.
        uploads: takes uploads in.
    """

    load: Callable[[], Engine]
    settings: Settings
    meter: Meter
    uploads: Uploads

    @property
    def engine(self) -> Engine:
        """The engine.

        Raises:
            StillLoading: ask again in a few seconds.
            RagError: what loading raised; Unavailable where that was a defect.
        """
        return self.load()

    @property
    def default(self) -> str:
        """The collection that is meant where none is named."""
        return self.settings.server.collection
