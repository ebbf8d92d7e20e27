"""Replies in a Redis that several servers share."""

from collections.abc import Mapping, Sequence

import msgspec
from redis.asyncio import Redis

from rag.llms.replies import Reply, read_reply
from rag.sharing import FAILS, PREFIX, Trust
from rag.values import Chosen, Completed, Scored

KEPT_S = 30 * 24 * 3_600  # chosen: whatever nobody asked for in a month is forgotten

_WITHOUT = "the model is asked for what it may have answered before"


class SharedReplies:
    """What models have answered to any of the servers.

    A cache that fails is a cache that remembers nothing: no request fails for it.

    Args:
        redis: closed with this.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._trust = Trust()

    async def get(self, keys: Sequence[str], kind: type[Reply]) -> list[Reply | None]:
        """Return the reply kept under each key, or None."""
        if keys and self._trust.given:
            try:
                async with self._redis.pipeline(transaction=False) as asked:
                    for key in keys:
                        asked.getex(_place(key), ex=KEPT_S)
                    return [read_reply(value, kind) for value in await asked.execute()]
            except FAILS as error:
                self._trust.lost(error, _WITHOUT)
        return [None] * len(keys)

    async def put(self, replies: Mapping[str, Chosen | Scored | Completed]) -> None:
        """Keep replies under their keys."""
        if replies and self._trust.given:
            try:
                async with self._redis.pipeline(transaction=False) as sent:
                    for key, reply in replies.items():
                        sent.set(_place(key), msgspec.json.encode(reply), ex=KEPT_S)
                    await sent.execute()
            except FAILS as error:
                self._trust.lost(error, _WITHOUT)

    async def close(self) -> None:
        """Close the connection."""
        await self._redis.aclose()


def _place(key: str) -> str:
    return f"{PREFIX}reply:{key}"
