"""The encoder without a model is a bag of words, and the same on every machine."""

import numpy as np
import pytest

from indexers.encoders.hashed import HashedEncoder
from rag.seams import EncoderSpec
from rag.values import Vector

pytestmark = pytest.mark.anyio


async def rows(*texts: str, dimension: int = 64) -> Vector:
    return await HashedEncoder(dimension).encode(texts, "document")


async def test_only_the_words_count() -> None:
    sentence, same, other = await rows("The cold freezer!", "freezer -- cold, THE", "cold freezer")
    assert sentence == pytest.approx(same, abs=1e-6)
    assert 0.5 < sentence @ other < 0.99


async def test_words_that_repeat_weigh_more() -> None:
    once, twice, cold = await rows("cold freezer", "cold freezer freezer", "freezer")
    assert twice @ cold > once @ cold


async def test_a_text_without_words_is_the_first_axis() -> None:
    for row in await rows("", "?!", "😀", dimension=4):
        assert row.tolist() == [1.0, 0.0, 0.0, 0.0]


async def test_the_numbers_are_the_same_on_every_machine() -> None:
    (row,) = await rows("freezer", dimension=4)
    assert row == pytest.approx(np.array([0.4160499, 0.8525144, -0.2260206, -0.2214414]), abs=1e-6)


def test_the_fingerprint_says_name_and_dimension() -> None:
    assert HashedEncoder().spec == EncoderSpec("hashed", 64, "hashed/64", 10_000)
    assert HashedEncoder(8, "other").spec.fingerprint == "other/8"


async def test_tokens_are_words_and_their_directions_add_up_to_the_text() -> None:
    encoder = HashedEncoder(16)
    two, none, one = await encoder.encode_tokens(["Cold freezer!", "?!", "freezer"], "query")
    assert (two.shape, none.shape, one.shape) == ((2, 16), (0, 16), (1, 16))
    assert np.linalg.norm(two, axis=1) == pytest.approx(1)
    assert two[1] == pytest.approx(one[0])
    assert one[0] == pytest.approx((await rows("freezer", dimension=16))[0])
    assert await encoder.encode_tokens([], "query") == []
