"""Weights in blocks are off by half a step of their block at most."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession

from rag.llms.onnx.quantizing import Blocks, packed, quantize

SEEDS = st.integers(0, 2**32 - 1)


def restored(weight: np.ndarray, blocks: Blocks) -> np.ndarray:
    """Return what the blocks of a weight stand for, shape (k, n)."""
    made, (k, n) = packed(weight, blocks), weight.shape
    values = (made.codes - made.zeros) * made.scales
    return np.asarray(values.reshape(n, -1).T[:k])


def computed(weight: np.ndarray, blocks: Blocks, *, turned: bool) -> np.ndarray:
    """Return 1 · weight as ONNX Runtime computes it from the blocks."""
    held = np.ascontiguousarray(weight.T) if turned else weight
    k, n = weight.shape
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], transB=int(turned))
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [k, k])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [k, n])],
        [numpy_helper.from_array(held, "w"), numpy_helper.from_array(np.ones(n, np.float32), "b")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    quantize(made, blocks)
    (found,) = InferenceSession(made.SerializeToString()).run(
        ["y"], {"x": np.eye(k, dtype=np.float32)}
    )
    return np.asarray(found) - 1


ways = st.builds(
    Blocks, bits=st.sampled_from([8, 4]), size=st.sampled_from([16, 32]), unpacked=st.booleans()
)


@settings(deadline=None)
@given(seed=SEEDS, k=st.integers(1, 70), n=st.integers(1, 5), blocks=ways)
def test_no_weight_is_off_by_more_than_a_step(seed: int, k: int, n: int, blocks: Blocks) -> None:
    weight = np.random.default_rng(seed).normal(size=(k, n)).astype(np.float32)
    step = (np.maximum(weight.max(axis=0), 0) - np.minimum(weight.min(axis=0), 0)) / (
        2**blocks.bits - 1
    )
    assert (np.abs(restored(weight, blocks) - weight) <= step * 1.01 + 1e-6).all()


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, k=st.integers(1, 70), n=st.integers(1, 5), blocks=ways, turned=st.booleans())
def test_onnx_runtime_reads_the_blocks_as_they_are_meant(
    seed: int, k: int, n: int, blocks: Blocks, turned: bool
) -> None:
    weight = np.random.default_rng(seed).normal(size=(k, n)).astype(np.float32)
    found = computed(weight, blocks, turned=turned)
    near = 1e-5 if blocks.unpacked else 0.05  # where activations are rounded, too
    assert np.abs(found - restored(weight, blocks)).max() <= near


@pytest.mark.parametrize("unpacked", [True, False])
def test_zeros_stay_zeros(unpacked: bool) -> None:
    weight = np.zeros((40, 3), np.float32)
    weight[20:, 1] = np.linspace(-1, 1, 20)
    found = restored(weight, Blocks(4, 16, unpacked))
    assert not found[:, [0, 2]].any()
    assert not found[:16, 1].any()


def test_what_was_in_four_bits_stays_what_it_is() -> None:
    chance = np.random.default_rng(1)
    codes = chance.integers(0, 16, (5, 4, 32))
    codes[..., 0], codes[..., 1] = 0, 15
    scales, lows = chance.uniform(0.01, 0.1, (5, 4, 1)), chance.normal(size=(5, 4, 1))
    weight = (codes * scales + lows).reshape(5, -1).T.astype(np.float32)
    for bits in (4, 8):
        found = restored(weight, Blocks(4 if bits == 4 else 8, 32, unpacked=True))
        assert np.abs(found - weight).max() <= 1e-6
