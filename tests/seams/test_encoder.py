"""Every encoder gives one unit row per text, whatever it is asked together with."""

import asyncio
from collections.abc import Iterator
from typing import Literal

import numpy as np
import pytest

from indexers.encoders.hashed import HashedEncoder
from rag.seams import Encoder, PassageEncoder

pytestmark = pytest.mark.anyio

TEXTS = (
    "How long does the sample freezer stay cold without power?",
    "A lighthouse keeper",
    "",
    "?",
    "A lighthouse keeper",
    "word " * 600,
    "La réunion de jeudi 😀 \x00 日本語",
    "Protein p53 was found to change the outcome in 37 of 120 cases.",
)
KINDS: tuple[Literal["query", "document"], ...] = ("query", "document")


@pytest.fixture(
    scope="module",
    params=[
        "hashed",
        *(
            pytest.param((which, *how), marks=pytest.mark.model, id=" ".join((which, *how)))
            for which in ("packaged", "tiny")
            for how in (("torch", "fp32"), ("torch", "bf16"), ("onnx", "fp32"), ("onnx", "int8"))
        ),
    ],
)
def encoder(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Encoder]:
    if request.param == "hashed":
        yield HashedEncoder()
        return
    from indexers.encoders.dense import DenseEncoder
    from tests.indexers.encoders.tiny import tiny

    which, runtime, precision = request.param
    model = str(tiny()) if which == "tiny" else ""
    dense = DenseEncoder(model, precision, runtime, tmp_path_factory.getbasetemp() / "models")
    assert dense.spec.precision == precision
    yield dense
    dense.close()


def tolerance(encoder: Encoder) -> float:
    """How far two encodings of one text may be apart: in bf16 a number has 8 bits."""
    return 2e-2 if encoder.spec.precision == "bf16" else 1e-5


async def test_it_is_an_encoder_that_says_what_it_is(encoder: Encoder) -> None:
    assert isinstance(encoder, Encoder)
    spec = encoder.spec
    assert spec.name
    assert spec.name in spec.fingerprint
    assert spec.dimension > 0
    assert spec.max_tokens > 0
    assert encoder.spec == spec


@pytest.mark.parametrize("kind", KINDS)
async def test_rows_are_unit_vectors_of_the_dimension_it_says(
    encoder: Encoder, kind: Literal["query", "document"]
) -> None:
    rows = await encoder.encode(TEXTS, kind)
    assert rows.shape == (len(TEXTS), encoder.spec.dimension)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
async def test_no_texts_give_no_rows(encoder: Encoder, kind: Literal["query", "document"]) -> None:
    rows = await encoder.encode([], kind)
    assert rows.shape == (0, encoder.spec.dimension)
    assert rows.dtype == np.float32


async def test_a_text_gets_the_same_row_alone_and_in_any_company(encoder: Encoder) -> None:
    together = await encoder.encode(TEXTS, "document")
    backwards = await encoder.encode(TEXTS[::-1], "document")
    alone = np.stack([(await encoder.encode([text], "document"))[0] for text in TEXTS])
    assert np.abs(backwards[::-1] - together).max() < tolerance(encoder)
    assert np.abs(alone - together).max() < tolerance(encoder)
    assert np.array_equal(await encoder.encode(TEXTS, "document"), together)


async def test_rows_come_in_the_order_of_the_texts(encoder: Encoder) -> None:
    rows = await encoder.encode(TEXTS, "document")
    cosines = rows @ rows.T
    assert cosines[1, 4] == pytest.approx(1.0, abs=tolerance(encoder))  # the same text twice
    different = [i for i in range(len(TEXTS)) if i not in {1, 4}]
    assert max(cosines[1, i] for i in different) < 0.9


async def test_texts_that_say_like_things_are_nearer_than_others(encoder: Encoder) -> None:
    question, near, far = await encoder.encode(
        [
            "how long does the freezer stay cold",
            "the freezer stays cold for nine hours",
            "spaniels welcome aboard",
        ],
        "document",
    )
    assert question @ near > question @ far + 0.2


async def test_concurrent_requests_get_their_own_rows(encoder: Encoder) -> None:
    requests = [TEXTS[i : i + 1 + i % 3] for i in range(len(TEXTS))] * 3
    together = await asyncio.gather(*(encoder.encode(request, "query") for request in requests))
    for request, rows in zip(requests, together, strict=True):
        alone = await encoder.encode(request, "query")
        assert rows.shape == alone.shape
        assert np.abs(rows - alone).max() < tolerance(encoder)


async def test_the_rows_are_the_callers_own(encoder: Encoder) -> None:
    first = await encoder.encode(TEXTS[:2], "document")
    expected = first.copy()
    first[:] = 0
    assert np.array_equal(await encoder.encode(TEXTS[:2], "document"), expected)


async def test_parts_of_a_passage_have_unit_rows_that_know_of_the_others(encoder: Encoder) -> None:
    assert isinstance(encoder, PassageEncoder)
    lead, *parts = "Freezers", "It stays cold.", "It takes nine hours.", "It is in the shed."
    (alone,) = await encoder.encode_parts([(lead, parts[0])])
    together, again, long = await encoder.encode_parts(
        [(lead, *parts), ("Boats", *parts), (lead, "word " * 600, "the end")]
    )
    assert (alone.shape, together.shape) == ((1, encoder.spec.dimension), (3, alone.shape[1]))
    for rows in (alone, together, again, long):
        assert rows.dtype == np.float32
        assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-3)
    assert not np.allclose(together[0], alone[0], atol=1e-4)
    assert not np.allclose(together, again, atol=1e-4)
    assert float(together[0] @ alone[0]) > 0.5
    assert await encoder.encode_parts([]) == []
