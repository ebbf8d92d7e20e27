"""Weights of an ONNX graph in 8 or 4 bits: blocks of rows, each with a scale of its own.

The multiplications become `MatMulNBits` nodes of ONNX Runtime; activations stay fp32 between them.
Layout: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from rag.values import Frozen

DOMAIN = "com.microsoft"

Codes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Blocks(Frozen):
    """How weights are stored and multiplied.

    `level` 4 multiplies in int8, with activations rounded per block on the way; 1 in fp32.
    """

    bits: Literal[8, 4]
    size: int
    level: Literal[1, 4]


@dataclass(frozen=True, slots=True)
class Packed(Frozen):
    """A weight matrix in blocks: codes (n, blocks, bytes), scales and zeros (n × blocks)."""

    codes: Codes
    scales: npt.NDArray[np.float32]
    zeros: Codes


def packed(weight: npt.NDArray[np.float32], blocks: Blocks) -> Packed:
    """Return a weight of shape (k, n) in blocks along k: weight ≈ (code − zero) · scale.

    >>> made = packed(np.array([[0.0], [3.0]], np.float32), Blocks(4, 16, 1))
    >>> int(made.codes[0, 0, 0]), float(made.scales[0]), int(made.zeros[0])
    (240, 0.20000000298023224, 0)
    """
    k, n = weight.shape
    count = -(-k // blocks.size)
    split = np.zeros((n, count * blocks.size), np.float32)
    split[:, :k] = weight.T
    split = split.reshape(n, count, blocks.size)
    top = 2**blocks.bits - 1
    low = np.minimum(split.min(axis=-1, keepdims=True), 0)
    scale = (np.maximum(split.max(axis=-1, keepdims=True), 0) - low) / top
    step = np.where(scale == 0, 1, scale)  # of a block of zeros
    zero = np.round(-low / step)
    codes: Codes = np.clip(np.round(split / step) + zero, 0, top).astype(np.uint8)
    zeros: Codes = zero[..., 0].astype(np.uint8)
    if blocks.bits == 4:
        codes, zeros = _pairs(codes), _pairs(np.pad(zeros, ((0, 0), (0, count % 2))))
    return Packed(codes, scale.astype(np.float32).ravel(), zeros.ravel())


def quantize(model: ModelProto, blocks: Blocks, apart: Iterable[str] = ()) -> None:
    """Put the weights of a graph's multiplications in blocks, except those of the nodes `apart`.

    Args:
        model: changed in place.
        blocks: how.
        apart: names of outputs; the nodes that give them stay as they are.
    """
    graph, kept = model.graph, set(apart)
    weights = {one.name: one for one in graph.initializer}
    nodes: list[NodeProto] = []
    made: dict[str, tuple[TensorProto, ...]] = {}
    for node in graph.node:
        if (
            node.op_type not in ("MatMul", "Gemm")
            or node.output[0] in kept
            or (node.input[1] not in weights)
        ):
            nodes.append(node)
            continue
        name = node.input[1]
        weight = _weight(node, weights)
        if name not in made:
            made[name] = _tensors(name, packed(weight, blocks))
        nodes += _nodes(node, weight.shape, [one.name for one in made[name]], blocks)
    used = {name for node in nodes for name in node.input}
    tensors = [one for one in graph.initializer if one.name in used]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*tensors, *(one for three in made.values() for one in three)])
    if DOMAIN not in {one.domain for one in model.opset_import}:
        model.opset_import.append(helper.make_opsetid(DOMAIN, 1))


def _pairs(codes: Codes) -> Codes:
    """Return two codes a byte, the first in the low half."""
    both: Codes = np.bitwise_or(codes[..., 0::2], codes[..., 1::2] << 4, dtype=np.uint8)
    return both


def _weight(node: NodeProto, weights: Mapping[str, TensorProto]) -> npt.NDArray[np.float32]:
    """Return what a node multiplies by, shape (k, n)."""
    weight = numpy_helper.to_array(weights[node.input[1]])
    turned = any(one.name == "transB" and one.i for one in node.attribute)
    return weight.T if turned else weight


def _tensors(name: str, one: Packed) -> tuple[TensorProto, ...]:
    return (
        numpy_helper.from_array(one.codes, f"{name}.codes"),
        numpy_helper.from_array(one.scales, f"{name}.scales"),
        numpy_helper.from_array(one.zeros, f"{name}.zeros"),
    )


def _nodes(
    node: NodeProto, shape: tuple[int, ...], tensors: list[str], blocks: Blocks
) -> list[NodeProto]:
    """Return the node over blocks, and the addition of the bias where there is one."""
    (output,), bias = node.output, list(node.input[2:])
    product = f"{output}.product" if bias else output
    multiply = helper.make_node(
        "MatMulNBits",
        [node.input[0], *tensors],
        [product],
        domain=DOMAIN,
        K=shape[0],
        N=shape[1],
        bits=blocks.bits,
        block_size=blocks.size,
        accuracy_level=blocks.level,
    )
    return [multiply, *([helper.make_node("Add", [product, *bias], [output])] if bias else [])]
