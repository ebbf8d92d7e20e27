"""A module of torch becomes an ONNX graph."""

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
import torch
from transformers import PreTrainedModel

from rag.errors import ModelUnavailable
from rag.values import Frozen

OPSET = 18  # chosen: what torch's exporter writes best, and every ONNX Runtime of today reads

_FAILS = (RuntimeError, ValueError, TypeError, AttributeError, NotImplementedError)


@dataclass(frozen=True, slots=True)
class Shape(Frozen):
    """The names of a graph's inputs and outputs, and of those of their axes that vary."""

    inputs: Sequence[str]
    outputs: Sequence[str]
    axes: Mapping[str, Mapping[int, str]]


@contextmanager
def traceable(model: PreTrainedModel) -> Iterator[None]:
    """Let a model attend in a way that can be traced while the block runs.

    Masks of fused attention are infinite: a row of padding would become NaN, and spread.

    Raises:
        ModelUnavailable: what the block does fails as tracing fails.
    """
    attention = model.config._attn_implementation  # noqa: SLF001 - there is no public getter
    model.set_attn_implementation("eager")
    try:
        yield
    except _FAILS as error:
        raise ModelUnavailable(
            f"torch cannot export this architecture ({model.config.model_type}): {error}. Let "
            "torch run the model"
        ) from error
    finally:
        model.set_attn_implementation(attention)


def traced(
    module: torch.nn.Module, example: tuple[torch.Tensor, ...], shape: Shape
) -> onnx.ModelProto:
    """Return the graph of a module, traced over an example, its weights in memory."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with TemporaryDirectory() as scratch, warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        file = Path(scratch) / "model.onnx"
        torch.onnx.export(
            module.eval(),
            example,
            file,
            dynamo=False,
            input_names=shape.inputs,
            output_names=shape.outputs,
            dynamic_axes=shape.axes,
            opset_version=OPSET,
        )
        return onnx.load(file)
