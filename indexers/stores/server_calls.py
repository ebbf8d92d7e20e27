"""Calls to a Qdrant server: limited in time, tried again, a bounded number of writes at a time."""

import asyncio
import itertools
import math
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias, TypeVar
from urllib.parse import urlsplit

from opentelemetry.trace import SpanKind
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.context_headers import headers as sending

from indexers.stores.server_failures import Failure, Unfinished, excerpt, failure_of
from rag.backoff import FIRST_S, wait_s
from rag.deadline import remaining
from rag.errors import BadSettings, StoreUnavailable
from rag.sections import StoreSettings
from rag.spans import headers, timed

T = TypeVar("T")
Call: TypeAlias = Callable[[AsyncQdrantClient], Awaitable[T]]
Write: TypeAlias = Call[models.UpdateResult]


class Connection:
    """A client of a server, and how patient to be with it; closing it closes the client."""

    def __init__(
        self, client: AsyncQdrantClient, settings: StoreSettings, backoff_s: float = FIRST_S
    ) -> None:
        self.client = client
        self.settings = settings
        self._backoff_s = backoff_s
        where = urlsplit(settings.url).hostname
        self._about = {"db.system.name": "qdrant"} | ({"server.address": where} if where else {})
        self._slots = asyncio.Semaphore(settings.concurrency)

    async def ask(self, call: Call[T], *, long: bool = False, again: bool = True) -> T:
        """Return what a call returns; a failure that may pass is tried again.

        Args:
            call: what to ask of the client; may be called several times.
            long: whether it has `store.long_timeout_s`, not `store.timeout_s`.
            again: whether it may be tried again, because doing it twice is as doing it once.

        Raises:
            StoreUnavailable: the server refuses or does not answer.
        """
        with timed("qdrant", SpanKind.CLIENT, self._about), sending(headers()):
            return await self._ask(call, long=long, again=again)

    async def _ask(self, call: Call[T], *, long: bool, again: bool) -> T:
        limit = self.settings.long_timeout_s if long else self.settings.timeout_s
        for attempt in itertools.count(1):
            try:
                async with asyncio.timeout(limit):
                    return await call(self.client)
            except Exception as error:
                failure = failure_of(error, limit)
                if failure is None:
                    raise
                wait = self._wait(failure, attempt, limit) if again else None
                if wait is None:
                    raise self._unavailable(failure, attempt) from error
            await asyncio.sleep(wait)
        raise AssertionError("unreachable")

    async def write(self, writes: Iterable[Write], *, long: bool = False) -> None:
        """Do writes in any order, as many at the same time as `store.concurrency` says.

        The next one is taken from the iterable when there is room for it. All are applied when the
        call returns, by as many copies as the collection's write consistency asks for. One that was
        given up, and tried again, may still arrive late where something stands between, which is
        why nothing but what may be done twice is written.

        Raises:
            StoreUnavailable: one failed; those under way were stopped, and may have been applied.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for write in writes:
                    await self._slots.acquire()
                    task = group.create_task(self.ask(_applied(write), long=long))
                    task.add_done_callback(lambda _: self._slots.release())
        except ExceptionGroup as failed:
            first = failed.exceptions[0]
        else:
            return
        raise first

    async def close(self) -> None:
        """Close the client."""
        await self.client.close()

    def _wait(self, failure: Failure, attempt: int, limit: float) -> float | None:
        """Return the seconds until the next try, or None where there is to be none."""
        if not failure.passes or attempt > self.settings.retries:
            return None
        wait = wait_s(attempt, self._backoff_s, failure.wait_s)
        return wait if wait < min(limit, remaining()) else None

    def _unavailable(self, failure: Failure, attempts: int) -> StoreUnavailable:
        tried = f" (tried {attempts}×)" if attempts > 1 else ""
        remedy = f". {failure.remedy[:1].upper()}{failure.remedy[1:]}" if failure.remedy else ""
        return StoreUnavailable(
            f"Qdrant at {self.settings.url} did not do it{tried}: {excerpt(failure.says)}{remedy}"
        )


def connect(settings: StoreSettings, backoff_s: float = FIRST_S) -> Connection:
    """Return a connection to the server of the settings; ":memory:" is qdrant-client's local mode.

    Args:
        settings: where it is, and how patient to be with it.
        backoff_s: the most to wait before the second try; doubles with every further one.

    Raises:
        BadSettings: the url is none.
    """
    longest = max(settings.timeout_s, settings.long_timeout_s)
    try:
        client = AsyncQdrantClient(
            location=settings.url,
            api_key=settings.api_key or None,
            timeout=math.ceil(longest) + 1,  # each call has its own limit, which is to come first
            prefer_grpc=settings.grpc,
            grpc_port=settings.grpc_port,
            check_compatibility=False,  # it warns on the console and cannot be acted on
        )
    except ValueError as error:
        raise BadSettings(
            f"store.url is '{settings.url}': {error}: write http://HOST:6333 or https://HOST:6333"
        ) from None
    return Connection(client, settings, backoff_s)


def _applied(write: Write) -> Call[None]:
    async def call(client: AsyncQdrantClient) -> None:
        result = await write(client)
        if result.status != models.UpdateStatus.COMPLETED:
            raise Unfinished(f"a write was taken, not applied ({result.status})")

    return call
