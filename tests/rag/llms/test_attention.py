"""Attention of long rows against torch's own."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.llms.attention import LONG, NAME, attend, for_long_rows
from rag.llms.batching import Row
from rag.llms.torch_model import TorchModel
from tests.rag.llms.tiny import Architecture, model

LENGTHS = st.integers(1, 300)


@settings(max_examples=30, deadline=None)
@given(LENGTHS, st.integers(0, 140), st.sampled_from([(1, 1), (2, 1), (6, 3)]), st.integers(1, 2))
def test_it_attends_as_torch_does(
    queries: int, before: int, heads: tuple[int, int], rows: int
) -> None:
    generator = torch.Generator().manual_seed(queries)
    keys = before + queries
    query = torch.randn(rows, heads[0], queries, 8, generator=generator)
    key = torch.randn(rows, heads[1], keys, 8, generator=generator)
    value = torch.randn(rows, heads[1], keys, 5, generator=generator)
    each = heads[0] // heads[1]
    expected = torch.nn.functional.scaled_dot_product_attention(
        query,
        key.repeat_interleave(each, 1),
        value.repeat_interleave(each, 1),
        attn_mask=torch.ones(queries, keys, dtype=torch.bool).tril(before),
        scale=0.3,
    )
    found = attend(query, key, value, 0.3)
    assert found.shape == (rows, queries, heads[0], 5)
    assert torch.allclose(found, expected.transpose(1, 2), atol=0.05)


@pytest.mark.model
@pytest.mark.parametrize("architecture", ["llama", "qwen", "gpt2"])
def test_a_model_reads_long_rows_the_same(architecture: Architecture) -> None:
    """Alone, after a shared beginning, beside a shorter row, and a row that is just too short."""
    plain = model(architecture)
    mine = copy.deepcopy(plain)
    for_long_rows(mine)
    assert mine.config._attn_implementation == NAME
    assert plain.config._attn_implementation == "sdpa"
    start = tuple(i % 90 for i in range(LONG + 60))
    row = Row(start, ((3, 4, 5),))
    cases = (
        [row],
        [row, Row((*start[:-20], *range(30)), ((3, 4, 5),))],
        [row, Row(start[LONG:], ((3, 4, 5),))],
        [Row(start[: LONG - 1], ((3, 4, 5),))],
    )
    for rows in cases:
        expected = TorchModel(plain).read(rows)
        found = TorchModel(mine).read(rows)
        for mine_, theirs in zip(found, expected, strict=True):
            assert mine_ == pytest.approx(theirs, abs=0.02)


@pytest.mark.model
def test_after_a_beginning_a_long_row_sees_all_of_it() -> None:
    """The second reading starts from kept keys and values; no token before it is lost."""
    mine = copy.deepcopy(model("llama"))
    for_long_rows(mine)
    reader = TorchModel(mine)
    ids = tuple(i % 90 for i in range(2 * LONG))
    past = reader.begin(ids[:100], None)
    after = reader.begin(ids[100:], past)
    whole = reader.begin(ids, None)
    for (keys, values, *_), (all_keys, all_values, *_) in zip(after, whole, strict=True):
        assert torch.allclose(keys, all_keys, atol=0.02)
        assert torch.allclose(values, all_values, atol=0.02)
