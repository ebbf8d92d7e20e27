"""Vectors that come in any order go to their windows, which leave in order."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexers.bulk.gathering import Gathering, gathered
from indexers.bulk.spool import Row
from indexers.bulk.windows import Encoded, Window, encoded
from rag.values import Chunk
from tests.indexers.runs import ENCODER

pytestmark = pytest.mark.anyio

ROWS = dict(zip("abcdef", asyncio.run(ENCODER.encode("abcdef", "document")), strict=True))


def window(texts: Sequence[str], known: Sequence[str] = ()) -> Window:
    """Rows of these texts; those of the known ones have a vector of ones."""
    every = [*texts, *known]
    chunks = [
        Chunk(f"{n}", "d", text, start=0, end=len(text), ordinal=n) for n, text in enumerate(every)
    ]
    vectors = [None] * len(texts) + [np.ones(16, np.float32)] * len(known)
    return Window(
        rows=[Row(chunk, 1, vector) for chunk, vector in zip(chunks, vectors, strict=True)]
    )


async def plainly(windows: Sequence[Window]) -> list[Encoded]:
    async def given() -> AsyncIterator[Window]:
        for one in windows:
            yield one

    return [one async for one in encoded(given(), ENCODER)]


@given(
    st.lists(st.tuples(st.lists(st.sampled_from("abcdef")), st.lists(st.just("z"))), max_size=5),
    st.randoms(use_true_random=False),
    st.integers(1, 3),
)
def test_whatever_the_order_the_windows_are_those_of_a_plain_run(
    drawn: list[tuple[list[str], list[str]]], random: Random, size: int
) -> None:
    windows = [window(texts, known) for texts, known in drawn]
    gathering = Gathering(windows, 16)
    texts = gathering.texts
    assert len(set(texts)) == len(texts)
    places = list(range(len(texts)))
    random.shuffle(places)
    left = list(gathering.leaving())
    for start in range(0, len(places), size):
        part = places[start : start + size]
        gathering.keep(part, np.stack([ROWS[texts[i]] for i in part]))
        left += gathering.leaving()
    plain = asyncio.run(plainly(windows))
    assert gathering.missing == 0
    assert [one.window for one in left] == [one.window for one in plain]
    for mine, theirs in zip(left, plain, strict=True):
        assert all(map(np.array_equal, mine.vectors, theirs.vectors))
    assert sum(one.fresh for one in left) == len(texts)


def test_a_window_leaves_as_soon_as_its_vectors_and_those_before_are_there() -> None:
    windows = [window(["a"]), window(["a"], ["z"]), window(["b"]), window([])]
    gathering = Gathering(windows, 16)
    assert gathering.texts == ["a", "b"]
    assert list(gathering.leaving()) == []
    gathering.keep([1], np.ones((1, 16), np.float32))
    assert list(gathering.leaving()) == []
    assert gathering.missing == 1
    gathering.keep([0], np.zeros((1, 16), np.float32))
    left = list(gathering.leaving())
    assert [one.window for one in left] == windows
    assert [one.fresh for one in left] == [1, 0, 1, 0]


async def sizes(delays: Sequence[float], most: int, soon_s: float) -> list[int]:
    async def given() -> AsyncIterator[Window]:
        for delay in delays:
            await asyncio.sleep(delay)
            yield Window()

    return [len(windows) async for windows in gathered(given(), most, soon_s)]


async def test_windows_are_gathered_as_many_as_are_there_or_come_soon() -> None:
    assert await sizes([0] * 7, 3, 10) == [3, 3, 1]
    assert await sizes([0, 0, 0.2, 0], 9, 0.02) == [2, 2]
    assert await sizes([], 3, 10) == []


async def test_an_error_comes_after_the_windows_before_it() -> None:
    async def given() -> AsyncIterator[Window]:
        yield Window()
        yield Window()
        raise OSError("full")

    came = gathered(given())
    assert len(await anext(came)) == 2
    with pytest.raises(OSError, match="full"):
        await anext(came)
