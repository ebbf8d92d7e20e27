"""Weights in blocks are off by half a step of their block at most."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.llms.quantizing import Blocks, packed

SEEDS = st.integers(0, 2**32 - 1)


def unpacked(weight: np.ndarray, blocks: Blocks) -> np.ndarray:
    """Return what the blocks of a weight stand for, shape (k, n)."""
    made, (k, n) = packed(weight, blocks), weight.shape
    codes, count = made.codes.astype(np.int64), -(-k // blocks.size)
    zeros = made.zeros.astype(np.int64).reshape(n, -1)
    if blocks.bits == 4:
        codes = np.stack([codes & 15, codes >> 4], axis=-1).reshape(n, count, blocks.size)
        zeros = np.stack([zeros & 15, zeros >> 4], axis=-1).reshape(n, -1)[:, :count]
    values = (codes - zeros[..., None]) * made.scales.reshape(n, count, 1)
    return np.asarray(values.reshape(n, -1).T[:k])


@given(seed=SEEDS, k=st.integers(1, 70), n=st.integers(1, 5), bits=st.sampled_from([8, 4]))
def test_no_weight_is_off_by_more_than_a_step(seed: int, k: int, n: int, bits: int) -> None:
    weight = np.random.default_rng(seed).normal(size=(k, n)).astype(np.float32)
    blocks = Blocks(8 if bits == 8 else 4, 16, 1)
    step = (np.maximum(weight.max(axis=0), 0) - np.minimum(weight.min(axis=0), 0)) / (2**bits - 1)
    assert (np.abs(unpacked(weight, blocks) - weight) <= step * 1.01 + 1e-6).all()


@pytest.mark.parametrize("bits", [8, 4])
def test_zeros_stay_zeros(bits: int) -> None:
    weight = np.zeros((40, 3), np.float32)
    weight[20:, 1] = np.linspace(-1, 1, 20)
    found = unpacked(weight, Blocks(8 if bits == 8 else 4, 16, 1))
    assert not found[:, [0, 2]].any()
    assert not found[:16, 1].any()
