"""How many requests a key may send to all servers that share a Redis."""

from redis.asyncio import Redis

from api.rates import ROUNDING, Limit, Rates
from rag.sharing import FAILS, PREFIX, Trust

_TAKE = """
local burst, each = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local held = redis.call('HMGET', KEYS[1], 'tokens', 'since')
local tokens, since = tonumber(held[1]) or burst, tonumber(held[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - since) / each)
local left = tokens - 1
if left < 0 and left > -tonumber(ARGV[3]) then left = 0 end
if left >= 0 then tokens = left end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.17g', tokens),
           'since', string.format('%.17g', now))
redis.call('EXPIRE', KEYS[1], math.ceil(burst * each) + 1)
return string.format('%.17g', left)
"""
"""As `Limit.left`, by the clock of the Redis, in one step."""


class SharedRates:
    """The buckets of all servers that share a Redis; without it, each goes on with its own.

    Args:
        limit: of each bucket.
        redis: where they are.
    """

    def __init__(self, limit: Limit, redis: Redis) -> None:
        self._limit = limit
        self._script = redis.register_script(_TAKE)
        self._own = Rates(limit)
        self._trust = Trust()

    async def take(self, caller: str) -> None:
        """Take a token of a caller.

        Raises:
            Overloaded: there is none.
        """
        if self._trust.given:
            try:
                args = [self._limit.burst, self._limit.each, ROUNDING]
                left = await self._script(keys=[f"{PREFIX}rate:{caller}"], args=args)
            except FAILS as error:
                self._trust.lost(error, "every server limits rates by itself")
            else:
                self._limit.passed(float(left))
                return
        await self._own.take(caller)
