"""Weights of an ONNX graph in 8 or 4 bits: blocks of them, each with a scale of its own.

Either ONNX Runtime multiplies by the codes (`MatMulNBits`, which rounds the activations to int8
per block, too), or it unpacks them once, as it loads, and multiplies in fp32.
Layout: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from rag.values import Frozen

DOMAIN = "com.microsoft"
INT8 = 4  # MatMulNBits's accuracy_level for products of int8

Codes = npt.NDArray[np.uint8]
Values = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Blocks(Frozen):
    """How weights are stored, and whether they are unpacked as the model loads."""

    bits: Literal[8, 4]
    size: int
    unpacked: bool


@dataclass(frozen=True, slots=True)
class Packed(Frozen):
    """A weight in blocks (n, blocks, size): codes, and of each block scale and zero (n, blocks, 1).

    weight ≈ (code − zero) · scale
    """

    codes: Codes
    scales: Values
    zeros: Values


def packed(weight: Values, blocks: Blocks) -> Packed:
    """Return a weight of shape (k, n) in blocks along k.

    Zeros are whole where the codes are multiplied by; else each block begins at its least weight,
    so that weights that were in 4 bits before, in the same blocks, stay what they are.

    >>> made = packed(np.array([[0.5], [3.5]], np.float32), Blocks(4, 2, unpacked=True))
    >>> made.codes.ravel().tolist(), made.scales.ravel().tolist(), made.zeros.ravel().tolist()
    ([0, 15], [0.20000000298023224], [-2.5])
    """
    k, n = weight.shape
    split = np.pad(weight.T, ((0, 0), (0, -k % blocks.size)), mode="edge")
    split = split.reshape(n, -1, blocks.size)
    low, high = split.min(axis=-1, keepdims=True), split.max(axis=-1, keepdims=True)
    if not blocks.unpacked:
        low, high = np.minimum(low, 0), np.maximum(high, 0)
    top = 2**blocks.bits - 1
    scale = (high - low) / top
    scale[scale == 0] = 1  # a block of equal weights
    zero = -low / scale if blocks.unpacked else np.round(-low / scale)
    codes: Codes = np.clip(np.round(split / scale + zero), 0, top).astype(np.uint8)
    return Packed(codes, scale, zero)


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
    made: dict[str, list[TensorProto]] = {}
    for node in graph.node:
        wanted = node.op_type in ("MatMul", "Gemm") and not kept.intersection(node.output)
        if not wanted or node.input[1] not in weights:
            nodes.append(node)
            continue
        name, turned = node.input[1], _turned(node)
        k = weights[name].dims[1 if turned else 0]
        if name not in made:
            weight = numpy_helper.to_array(weights[name])
            made[name] = _tensors(name, packed(weight.T if turned else weight, blocks), blocks)
            if blocks.unpacked:
                shapes, unpacking = _unpacking(name, k, blocks, turned=turned)
                made[name] += shapes
                nodes += unpacking
        nodes += [node] if blocks.unpacked else _multiplying(node, k, made[name], blocks)
    gone = made.keys() & (weights if blocks.unpacked else weights.keys() - _read(nodes))
    tensors = [one for one in graph.initializer if one.name not in gone]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*tensors, *(one for parts in made.values() for one in parts)])
    if DOMAIN not in {one.domain for one in model.opset_import}:
        model.opset_import.append(helper.make_opsetid(DOMAIN, 1))


def _read(nodes: Iterable[NodeProto]) -> set[str]:
    return {name for node in nodes for name in node.input}


def _turned(node: NodeProto) -> bool:
    """Whether a node's weight has the shape (n, k)."""
    return any(one.name == "transB" and one.i for one in node.attribute)


def _halves(codes: Codes, *, split: bool) -> Codes:
    """Return two codes a byte, the first in the low half.

    Neighbours share a byte or, where `split`, a block's first half lies in the low halves.
    """
    half = codes.shape[-1] // 2
    pairs = (codes[..., :half], codes[..., half:]) if split else (codes[..., ::2], codes[..., 1::2])
    both: Codes = np.bitwise_or(pairs[0], pairs[1] << 4, dtype=np.uint8)
    return both


def _tensors(name: str, one: Packed, blocks: Blocks) -> list[TensorProto]:
    """Return codes, scales and zeros as the graph holds them."""
    codes, scales, zeros = one.codes, one.scales, one.zeros
    if blocks.bits == 4:
        codes = _halves(codes, split=blocks.unpacked)
    whole = zeros[..., 0].astype(np.uint8)  # (n, blocks)
    if blocks.bits == 4:
        whole = _halves(np.pad(whole, ((0, 0), (0, whole.shape[1] % 2))), split=False)
    found = (codes, scales, zeros) if blocks.unpacked else (codes, scales.ravel(), whole.ravel())
    keys = ("codes", "scales", "zeros")
    return [
        numpy_helper.from_array(np.ascontiguousarray(part), f"{name}.{key}")
        for part, key in zip(found, keys, strict=True)
    ]


def _unpacking(
    name: str, k: int, blocks: Blocks, *, turned: bool
) -> tuple[list[TensorProto], list[NodeProto]]:
    """Return constants and nodes that give a weight under its own name, in its own shape.

    All their inputs are constant: ONNX Runtime computes them as it loads the model.
    """
    numbers = {"low": np.array(15, np.uint8), "four": np.array(4, np.uint8)}
    numbers |= {"rows": np.array([0, -1]), "from": np.array([0]), "to": np.array([k])}
    numbers |= {"axis": np.array([1])}

    def node(kind: str, inputs: str, output: str) -> NodeProto:
        output = f"{name}.{output}" if output else name
        return helper.make_node(kind, [f"{name}.{one}" for one in inputs.split()], [output])

    nodes = [
        node("BitwiseAnd", "codes low", "first"),
        node("BitShift", "codes four", "second"),
        node("Concat", "first second", "bytes"),
    ]
    nodes[1].attribute.append(helper.make_attribute("direction", "RIGHT"))
    nodes[2].attribute.append(helper.make_attribute("axis", -1))
    if blocks.bits == 8:
        nodes.clear()
    cast = node("Cast", "bytes" if nodes else "codes", "numbers")
    cast.attribute.append(helper.make_attribute("to", TensorProto.FLOAT))
    nodes += [
        cast,
        node("Sub", "numbers zeros", "shifted"),
        node("Mul", "shifted scales", "scaled"),
        node("Reshape", "scaled rows", "padded"),
        node("Slice", "padded from to axis", "" if turned else "turned"),
        *([] if turned else [node("Transpose", "turned", "")]),
    ]
    used = _read(nodes)
    tensors = [numpy_helper.from_array(one, f"{name}.{key}") for key, one in numbers.items()]
    return [one for one in tensors if one.name in used], nodes


def _multiplying(
    node: NodeProto, k: int, tensors: list[TensorProto], blocks: Blocks
) -> list[NodeProto]:
    """Return the node over blocks, and the addition of the bias where there is one."""
    (output,), bias = node.output, list(node.input[2:])
    product = f"{output}.product" if bias else output
    multiply = helper.make_node(
        "MatMulNBits",
        [node.input[0], *(one.name for one in tensors)],
        [product],
        domain=DOMAIN,
        K=k,
        N=tensors[0].dims[0],
        bits=blocks.bits,
        block_size=blocks.size,
        accuracy_level=INT8,
    )
    return [multiply, *([helper.make_node("Add", [product, *bias], [output])] if bias else [])]
