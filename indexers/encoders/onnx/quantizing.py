"""Layers of an ONNX graph that multiply in int8, with a scale for every token and every column.

A token's scale is found as it is read, from its largest number, so that no text's vector depends
on what it is read with. Before that, each of its numbers is divided, and the weights it meets
multiplied, by a factor that makes both equally hard to round: SmoothQuant (Xiao et al., 2023), for
which the largest number of each channel is measured once.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

Values = npt.NDArray[np.float32]

DOMAIN = "com.microsoft"
WHOLE = 127  # the largest code
HALF = 63  # two products of which fit 16 bits, where a CPU adds them up so (AVX2 without VNNI)

_ALPHA = 0.5  # SmoothQuant's: how much of the difficulty goes to the weights
_LEAST = 1e-6  # so that nothing is divided by 0
_SCALE, _ZERO, _AXIS, _FLOOR = (f"int8.{name}" for name in ("scale", "zero", "axis", "floor"))


def multiplied(model: ModelProto) -> tuple[str, ...]:
    """Return the names of what is multiplied by constant weights, each once."""
    return tuple(dict.fromkeys(node.input[0] for node in _products(model)))


def quantized(model: ModelProto, reach: Mapping[str, Values], top: int, folder: Path) -> ModelProto:
    """Return a graph whose multiplications by constant weights are in int8.

    Args:
        model: the graph in fp32, left as it is.
        reach: the largest absolute number of each channel, (k,), by the names of `multiplied`.
        top: the largest code of a weight.
        folder: where its weights lie.
    """
    made = ModelProto()
    made.CopyFrom(model)
    weights = {one.name: one for one in model.graph.initializer}
    read: dict[str, list[Values]] = {name: [] for name in reach}
    for node in _products(model):
        weight = numpy_helper.to_array(weights[node.input[1]], str(folder))
        read[node.input[0]].append(weight)
    factors = {name: _factors(reach[name], every) for name, every in read.items()}
    nodes: list[NodeProto] = []
    tensors = [
        numpy_helper.from_array(np.array(value, kind), name)
        for name, value, kind in (
            (_SCALE, 1 / WHOLE, np.float32),
            (_ZERO, WHOLE + 1, np.uint8),
            (_AXIS, [-1], np.int64),
            (_FLOOR, _LEAST, np.float32),
        )
    ]
    products = {node.output[0] for node in _products(model)}
    rounded: set[str] = set()
    for node in model.graph.node:
        if node.output[0] not in products:
            nodes.append(node)
            continue
        name = node.input[0]
        if name not in rounded:
            rounded.add(name)
            tensors.append(numpy_helper.from_array(1 / factors[name], f"{name}.factors"))
            nodes += _rounding(name)
        weight = read[name].pop(0) * factors[name][:, None]  # (k, n)
        nodes += _multiplying(node)
        tensors += _codes(node.output[0], weight, top)
    del made.graph.node[:], made.graph.initializer[:]
    made.graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    made.graph.initializer.extend([one for one in weights.values() if one.name in used])
    made.graph.initializer.extend(tensors)
    made.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    return made


def _products(model: ModelProto) -> Iterator[NodeProto]:
    constant = {one.name for one in model.graph.initializer if len(one.dims) == 2}
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.input[1] in constant:
            yield node


def _factors(reach: Values, weights: list[Values]) -> Values:
    """Return what each channel's weights are multiplied by, (k,), their geometric mean 1."""
    largest = np.max([np.abs(weight).max(axis=1) for weight in weights], axis=0)  # (k,)
    found = np.maximum(reach, _LEAST) ** _ALPHA / np.maximum(largest, _LEAST) ** (1 - _ALPHA)
    factors: Values = (found / np.exp(np.log(found).mean())).astype(np.float32)
    return factors


def _rounding(name: str) -> list[NodeProto]:
    """Return the nodes that round a layer's input: codes `.codes`, and `.most` of each token."""

    def node(kind: str, inputs: list[str], output: str) -> NodeProto:
        return helper.make_node(kind, inputs, [f"{name}.{output}"])

    return [
        node("Mul", [name, f"{name}.factors"], "smooth"),
        node("Abs", [f"{name}.smooth"], "absolute"),
        node("ReduceMax", [f"{name}.absolute", _AXIS], "largest"),
        node("Max", [f"{name}.largest", _FLOOR], "most"),
        node("Div", [f"{name}.smooth", f"{name}.most"], "shares"),
        node("QuantizeLinear", [f"{name}.shares", _SCALE, _ZERO], "codes"),
    ]


def _multiplying(node: NodeProto) -> list[NodeProto]:
    (output,), name = node.output, node.input[0]
    inputs = [f"{name}.codes", f"{output}.codes", _SCALE, f"{output}.scales", _ZERO]
    return [
        helper.make_node("MatMulIntegerToFloat", inputs, [f"{output}.shares"], domain=DOMAIN),
        helper.make_node("Mul", [f"{output}.shares", f"{name}.most"], [output]),
    ]


def _codes(name: str, weight: Values, top: int) -> list[TensorProto]:
    """Return a weight's codes, (k, n), and the scale of each column, (n,)."""
    scales = np.maximum(np.abs(weight).max(axis=0), _LEAST) / top  # (n,)
    codes = np.clip(np.round(weight / scales), -top, top).astype(np.int8)
    return [
        numpy_helper.from_array(codes, f"{name}.codes"),
        numpy_helper.from_array(scales.astype(np.float32), f"{name}.scales"),
    ]
