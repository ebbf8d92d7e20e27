"""What several servers share: a Redis, and who has what of it at a time."""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager

from redis.asyncio import Redis
from redis.asyncio.lock import Lock
from redis.exceptions import LockError, RedisError

from rag.errors import BadSettings, Unavailable
from rag.sections import Secret

PREFIX = "firstcite:"
LEASE_S = 30.0  # chosen: after so long somebody else may have what a process had that is gone
AWAY_S = 10.0  # chosen: how long a Redis that has failed is not asked for what is done without it
CALL_S = 2.0  # chosen: a Redis that does not answer holds nothing up for longer

FAILS = (RedisError, OSError)

_POLL_S = 0.2
_log = logging.getLogger("firstcite.redis")


class Trust:
    """Whether a Redis is asked: not for a while after it has failed, so that it holds nothing up.

    For what can do without it.
    """

    def __init__(self) -> None:
        self._since = -math.inf

    @property
    def given(self) -> bool:
        """Whether it is asked."""
        return time.monotonic() - self._since >= AWAY_S

    def lost(self, error: Exception, instead: str) -> None:
        """Note that it has failed, and what is done instead."""
        self._since = time.monotonic()
        _log.warning(
            "the Redis of server.redis does not answer (%s): %s", type(error).__name__, instead
        )


def connect(url: Secret) -> Redis:
    """Return the Redis of an address; it is asked for the first time when it is used.

    Raises:
        BadSettings: the address is none.
    """
    try:
        return Redis.from_url(
            url, socket_timeout=CALL_S, socket_connect_timeout=CALL_S, health_check_interval=30
        )
    except ValueError as error:
        raise BadSettings(
            "server.redis is no address of a Redis: redis://HOST:6379/0, rediss:// for TLS"
        ) from error


@contextmanager
def reaching() -> Generator[None, None, None]:
    """Say that the Redis does not answer as everything else is said.

    Raises:
        Unavailable: it does not.
    """
    try:
        yield
    except FAILS as error:
        kind = type(error).__name__
        raise Unavailable(f"the Redis of server.redis does not answer ({kind})") from error


@asynccontextmanager
async def leased(redis: Redis, name: str, *, wait: bool) -> AsyncIterator[bool]:
    """Have something that only one process at a time has; give whether it is ours.

    Whoever dies has it no longer than `LEASE_S`.

    Args:
        redis: where it is written down.
        name: what it is.
        wait: until it is free; otherwise it may be somebody else's.

    Raises:
        Unavailable: the Redis does not answer, or did not for so long that it may be another's now.
    """
    lock = Lock(redis, f"{PREFIX}lock:{name}", timeout=LEASE_S, sleep=_POLL_S)
    with reaching():
        ours = await lock.acquire(blocking=wait)
    if not ours:
        yield False
        return
    limit = asyncio.timeout(None)
    try:
        async with limit:
            keeping = asyncio.create_task(_keep(lock, limit))
            try:
                yield True
            finally:
                keeping.cancel()
    except TimeoutError:
        if not limit.expired():
            raise
        raise Unavailable("the Redis of server.redis was away for too long: try again") from None
    finally:
        with contextlib.suppress(*FAILS):  # then it ends by itself
            await asyncio.shield(lock.release())


async def _keep(lock: Lock, limit: asyncio.Timeout) -> None:
    """Renew a lease until it is lost, then end what it was for."""
    loop = asyncio.get_running_loop()
    sure = loop.time() + LEASE_S
    while True:
        await asyncio.sleep(LEASE_S / 6)
        asked = loop.time()
        try:
            await lock.reacquire()
            sure = asked + LEASE_S
        except LockError:
            sure = 0.0
        except FAILS:
            pass
        if loop.time() >= sure - LEASE_S / 6:
            limit.reschedule(loop.time())
            return
