"""The engine of a server, loaded while that already answers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from litestar import Litestar

from api.jobs.runner import Runner
from rag.errors import RagError, StillLoading, Unavailable
from rag.wiring import Engine


class Loading:
    """An engine on its way: loaded once, on a thread, while the application already answers."""

    def __init__(
        self,
        load: Callable[[], Engine],
        on_failure: Callable[[Exception], None],
        runner: Runner,
    ) -> None:
        self._load = load
        self._on_failure = on_failure
        self._runner = runner
        self._task: asyncio.Task[Engine] | None = None

    @asynccontextmanager
    async def lifespan(self, _: Litestar) -> AsyncIterator[None]:
        """Start loading, then what jobs there are; at the end close what was loaded."""
        self._task = asyncio.create_task(asyncio.to_thread(self._load))
        self._task.add_done_callback(self._loaded)
        yield
        await asyncio.wait([self._task])
        await self._runner.close()
        if self._task.exception() is None:  # otherwise it was reported when it happened
            await self._task.result().close()

    def engine(self) -> Engine:
        """Return the engine.

        Raises:
            StillLoading: ask again in a few seconds.
            RagError: what loading raised; Unavailable where that was a defect.
        """
        if self._task is None or not self._task.done():
            raise StillLoading("the models are still loading: try again in a few seconds")
        error = self._task.exception()
        if error is None or isinstance(error, RagError):
            return self._task.result()
        raise Unavailable("the models could not be loaded: see the server's log") from error

    def _loaded(self, task: asyncio.Task[Engine]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._on_failure(error)
        elif not task.cancelled():
            self._runner.open(task.result())
