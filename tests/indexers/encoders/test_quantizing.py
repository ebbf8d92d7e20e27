"""Products in int8 are nearly those in fp32, token by token, whatever the channels reach."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from indexers.encoders.onnx.quantizing import HALF, WHOLE, Values, multiplied, quantized
from rag.graphs.running import session

K, N = 24, 10


def graph(weight: Values) -> onnx.ModelProto:
    """Return x @ weight + x @ weight.T[...]: one input, two products, one of them with itself."""
    nodes = [
        helper.make_node("MatMul", ["x", "weight"], ["product"]),
        helper.make_node("MatMul", ["x", "other"], ["second"]),
        helper.make_node("Add", ["product", "second"], ["y"]),
    ]
    value = helper.make_tensor_value_info
    made = helper.make_graph(
        nodes,
        "two products",
        [value("x", TensorProto.FLOAT, ["n", "t", K])],
        [value("y", TensorProto.FLOAT, ["n", "t", N])],
        [
            numpy_helper.from_array(weight, "weight"),
            numpy_helper.from_array(weight[::-1].copy(), "other"),
        ],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def ran(model: onnx.ModelProto, x: Values, folder: Path) -> Values:
    onnx.save(model, folder / "model.onnx")
    (found,) = session(folder / "model.onnx", 1, "").run(["y"], {"x": x})
    values: Values = found
    return values


def drawn(seed: int) -> tuple[Values, Values]:
    """Return inputs with three channels that reach far, as layers of a transformer have them."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((2, 5, K)).astype(np.float32)
    x[..., :3] *= 30
    return x, random.standard_normal((K, N)).astype(np.float32)


def error(found: Values, exact: Values) -> float:
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


def reach(x: Values) -> dict[str, Values]:
    most: Values = np.abs(x).reshape(-1, K).max(axis=0)
    return {"x": most}


@pytest.mark.parametrize(("top", "most"), [(WHOLE, 0.02), (HALF, 0.03)])
def test_products_are_near_those_of_fp32(top: int, most: float, tmp_path: Path) -> None:
    @given(st.integers(0, 2**32 - 1))
    @settings(max_examples=20, deadline=None, derandomize=True)
    def near(seed: int) -> None:
        x, weight = drawn(seed)
        model = graph(weight)
        found = ran(quantized(model, reach(x), top, tmp_path), x, tmp_path)
        assert error(found, ran(model, x, tmp_path)) < most

    near()


def test_channels_that_reach_far_cost_less_when_they_are_known(tmp_path: Path) -> None:
    x, weight = drawn(0)
    weight[:3] /= 30
    model = graph(weight)
    exact = ran(model, x, tmp_path)
    flat = {"x": np.abs(weight).max(axis=1)}  # every factor becomes 1
    known = error(ran(quantized(model, reach(x), WHOLE, tmp_path), x, tmp_path), exact)
    assert known < error(ran(quantized(model, flat, WHOLE, tmp_path), x, tmp_path), exact) / 1.5


def test_a_token_is_rounded_by_itself(tmp_path: Path) -> None:
    x, weight = drawn(1)
    model = quantized(graph(weight), reach(x), WHOLE, tmp_path)
    alone = ran(model, x[:1, :1], tmp_path)
    x[1:] *= 1_000
    assert np.array_equal(ran(model, x, tmp_path)[:1, :1], alone)


def test_a_token_of_zeros_stays_zero(tmp_path: Path) -> None:
    _, weight = drawn(2)
    model = quantized(graph(weight), {"x": np.zeros(K, np.float32)}, WHOLE, tmp_path)
    assert not ran(model, np.zeros((1, 2, K), np.float32), tmp_path).any()


def test_the_graph_in_fp32_stays_as_it_is_and_shares_the_rounding(tmp_path: Path) -> None:
    x, weight = drawn(3)
    model = graph(weight)
    before = model.SerializeToString()
    made = quantized(model, reach(x), WHOLE, tmp_path)
    assert model.SerializeToString() == before
    assert multiplied(model) == ("x",)
    kinds = [node.op_type for node in made.graph.node]
    assert (kinds.count("QuantizeLinear"), kinds.count("MatMulIntegerToFloat")) == (1, 2)
    assert "MatMul" not in kinds
