"""A ledger holds what was called while it was kept, and nothing else."""

import asyncio

import pytest

from rag.ledger import Entry, keeping, note
from rag.values import Usage

pytestmark = pytest.mark.anyio

SPENT = [Usage(100, 2, batch=3), Usage(80, 0, batch=8), Usage(50, 9, batch=99, cached=True)]


def test_replies_of_the_cache_cost_no_tokens() -> None:
    with keeping() as ledger:
        note("tiny", "score", SPENT, 12.5)
    assert ledger.entries == [Entry("tiny", "score", 3, 1, 180, 2, 8, 12.5)]
    assert (ledger.requests, ledger.cached, ledger.tokens_in, ledger.tokens_out) == (3, 1, 180, 2)


def test_an_inner_ledger_is_part_of_the_outer_one() -> None:
    with keeping() as outer:
        note("tiny", "choose", SPENT[:1], 1)
        with keeping() as inner:
            note("tiny", "score", SPENT[1:2], 1)
        note("tiny", "stream", SPENT[:1], 1)
    note("tiny", "choose", SPENT, 1)
    assert [entry.operation for entry in outer.entries] == ["choose", "score", "stream"]
    assert [entry.operation for entry in inner.entries] == ["score"]


async def test_requests_at_the_same_time_keep_their_own() -> None:
    async def request(n: int) -> int:
        with keeping() as ledger:
            await asyncio.gather(*(call(n) for _ in range(n)))
        return ledger.tokens_in

    async def call(n: int) -> None:
        await asyncio.sleep(0)
        note("tiny", "choose", [Usage(n)], 1)

    assert await asyncio.gather(*(request(n) for n in range(20))) == [n * n for n in range(20)]
