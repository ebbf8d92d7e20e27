"""Packed layers multiply as plain ones do."""

import copy

import pytest
import torch

from rag.llms.packing import PackedLinear, can_pack, halved, packed
from tests.rag.llms.tiny import Architecture, model

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(not can_pack(), reason="this build of torch cannot pack"),
]

IDS = torch.arange(40)[None]


@pytest.mark.parametrize("rows", [1, 2, 7, 40])
@pytest.mark.parametrize("bias", [True, False])
def test_a_packed_layer_is_its_layer(rows: int, bias: bool) -> None:
    torch.manual_seed(rows)
    linear = torch.nn.Linear(48, 20, bias=bias)
    x = torch.randn(2, rows, 48)
    with torch.inference_mode():
        assert torch.allclose(PackedLinear(linear, torch.float32)(x), linear(x), atol=1e-5)
        half = PackedLinear(linear, torch.bfloat16)(x)
    assert half.dtype == torch.float32
    assert 0 < (half - linear(x)).abs().max() < 0.05


@pytest.mark.parametrize("architecture", ["llama", "qwen", "gpt2"])
def test_a_packed_model_says_the_same_and_shares_its_output_with_the_twin(
    architecture: Architecture,
) -> None:
    mine = copy.deepcopy(model(architecture))
    with torch.inference_mode():
        plain = mine(input_ids=IDS).logits
        twin = halved(mine)
        assert torch.equal(mine(input_ids=IDS).logits, plain)
        packed(mine, twin)
        assert torch.allclose(mine(input_ids=IDS).logits, plain, atol=1e-5)
        assert torch.allclose(twin(input_ids=IDS).logits, plain, atol=0.05)
    assert twin.get_output_embeddings() is mine.get_output_embeddings()
    assert isinstance(mine.get_output_embeddings(), PackedLinear)
