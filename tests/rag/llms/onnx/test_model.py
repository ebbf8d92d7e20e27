"""An exported model says what it says on torch: alone, in batches, with and without reuse."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.llms.batching import Row
from rag.llms.decoding import Tally, greedy
from rag.llms.onnx.exported import Precision
from rag.llms.torch_model import TorchModel
from tests.rag.llms.test_torch_model import ARCHITECTURES, by_hand, rows
from tests.rag.llms.tiny import Architecture, model, onnx_model

pytestmark = pytest.mark.model

NEAR = 1e-3  # log-probabilities, fp32


@pytest.mark.parametrize(("architecture", "reuse"), list(product(ARCHITECTURES, (True, False))))
def test_a_batch_says_what_every_row_says_on_torch(architecture: Architecture, reuse: bool) -> None:
    asked = rows(seed=1)
    found = onnx_model(architecture, reuse=reuse).read(asked)
    for row, mine in zip(asked, found, strict=True):
        assert mine.shape == (len(row.wanted), 3)
        assert mine.dtype == np.float32
        assert np.abs(mine - by_hand(architecture, row)).max() <= NEAR


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_is_kept_between_calls_changes_nothing(architecture: Architecture) -> None:
    reader = onnx_model(architecture)
    for seed in (1, 2, 1):
        asked = rows(seed, count=12)
        for row, mine in zip(asked, reader.read(asked), strict=True):
            assert np.abs(mine - by_hand(architecture, row)).max() <= NEAR


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_no_ids_ask_for_the_whole_vocabulary(architecture: Architecture) -> None:
    asked = [Row(row.ids, ((),) * len(row.wanted)) for row in rows(seed=4, count=9)]
    for row, mine in zip(asked, onnx_model(architecture).read(asked), strict=True):
        whole = Row(row.ids, (tuple(range(1_200)),) * len(row.wanted))
        assert mine.shape == (len(row.wanted), 1_200)
        assert np.abs(mine - by_hand(architecture, whole)).max() <= NEAR
        assert np.exp(mine.astype(np.float64)).sum(axis=-1) == pytest.approx(1, abs=1e-4)


ids = st.lists(st.integers(0, 1_199), min_size=1, max_size=40)


@settings(max_examples=40, deadline=None)
@given(beginning=ids, ends=st.lists(ids, min_size=1, max_size=5), wanted=st.integers(0, 1_199))
def test_rows_of_any_shape_are_read_as_on_torch(
    beginning: list[int], ends: list[list[int]], wanted: int
) -> None:
    asked = [Row((*beginning, *end), ((wanted,),)) for end in ends]
    exact = TorchModel(model("llama")).read(asked)
    for mine, one in zip(onnx_model("llama").read(asked), exact, strict=True):
        assert np.abs(mine - one).max() <= NEAR


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_it_writes_what_torch_writes(architecture: Architecture) -> None:
    prompt = [5, 6, 7, 8, 9, 5, 6, 7]  # repeats itself, so that drafts are made and rewound
    ours = greedy(onnx_model(architecture).session(), prompt, 40, frozenset(), Tally())
    theirs = greedy(TorchModel(model(architecture)).session(), prompt, 40, frozenset(), Tally())
    assert list(ours) == list(theirs)


def test_a_session_rewinds_to_where_it_was() -> None:
    session = onnx_model().session()
    first = session.feed([1, 2, 3], 1)
    session.feed([4, 5], 2)
    session.rewind(2)
    session.rewind(0)
    again = session.feed([4, 5], 2)
    session.rewind(3)
    assert session.feed([3], 1) == pytest.approx(first, abs=1e-5)
    assert again.shape == (2, 1_200)


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_fewer_bits_answer_nearly_the_same(precision: Precision) -> None:
    asked = rows(seed=3)
    for row, mine in zip(asked, onnx_model("llama", precision).read(asked), strict=True):
        difference = np.abs(mine - by_hand("llama", row)).max()
        assert 0 < difference <= {"int8": 0.02, "int4": 0.2}[precision]


def test_texts_that_go_on_side_by_side_are_those_that_go_on_alone() -> None:
    reader = onnx_model("llama")
    one = reader.session()
    one.feed([1, 2, 3], 1)
    texts = one.split(3)
    rows = [texts.feed([4, 5, 6])]
    texts.keep([0, 2])
    rows.append(texts.feed([7, 8]))
    for place, (first, second) in {0: (4, 7), 1: (6, 8)}.items():
        alone = reader.session()
        alone.feed([1, 2, 3], 1)
        np.testing.assert_allclose(rows[0][2 * place], alone.feed([first], 1)[0], atol=1e-4)
        np.testing.assert_allclose(rows[1][place], alone.feed([second], 1)[0], atol=1e-4)
