"""Deadlines: how much time is left for what this task is doing.

`within` nests: an inner deadline never outlives the outer one. Whoever waits or retries asks
`remaining` first, so that a retry does not eat the time of the fallback behind it.
"""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from rag.errors import DeadlineExceeded

_ends: ContextVar[float] = ContextVar("ends", default=math.inf)  # on the event loop's clock


def remaining() -> float:
    """Return the seconds left; infinity where there is no deadline, 0 when it is over."""
    ends = _ends.get()
    return max(0.0, ends - asyncio.get_running_loop().time()) if ends < math.inf else math.inf


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Give what stands inside so many seconds, or those that are left if they are fewer.

    Raises:
        DeadlineExceeded: they are over; what ran was cancelled. Where an outer deadline was the
            nearer one, the outer `within` raises it.
    """
    ends = min(_ends.get(), asyncio.get_running_loop().time() + seconds)
    token = _ends.set(ends)
    timeout = asyncio.timeout_at(ends if ends < math.inf else None)
    try:
        async with timeout:
            yield
    except TimeoutError:
        if not timeout.expired():  # a timeout of somebody inside
            raise
        raise DeadlineExceeded(f"not done within {seconds:g} s: allow more time") from None
    finally:
        _ends.reset(token)
