"""A causal language model of transformers becomes one ONNX graph.

The graph takes padded rows after a past of any length, 0 included, and gives the logits at the
positions `last`, so that the large multiplication of the output runs at those alone, and the keys
and values with which it goes on. A past of one row serves a batch of many.
"""

import onnx
import torch
from transformers import DynamicCache, PreTrainedModel

from rag.graphs.tracing import Shape, traceable
from rag.graphs.tracing import traced as traced_module
from rag.llms.onnx.model import IDS, LAST, LOGITS, MASK, PAST, POSITIONS, PRESENT


class _Traced(torch.nn.Module):
    """A model with its past as plain tensors."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self._model = model

    def forward(
        self,
        ids: torch.Tensor,
        mask: torch.Tensor,
        positions: torch.Tensor,
        last: torch.Tensor,
        *past: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        # Without the model's configuration, sliding layers keep everything too; their window is in
        # the mask.
        cache = DynamicCache()
        for i in range(0, len(past), 2):
            keys, values = (one.expand(ids.shape[0], -1, -1, -1) for one in past[i : i + 2])
            cache.update(keys, values, i // 2)
        output = self._model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=last,
        )
        return (output.logits, *_tensors(cache))


def traced(model: PreTrainedModel) -> onnx.ModelProto:
    """Return the graph of a model in fp32, its weights in memory.

    Raises:
        ModelUnavailable: torch cannot export this architecture, or it remembers other things than
            keys and values.
    """
    with traceable(model):
        graph = _traced(model)
    graph.graph.output[0].type.tensor_type.shape.dim[2].dim_value = _vocabulary(model)
    return graph


def _traced(model: PreTrainedModel) -> onnx.ModelProto:
    """Return the graph as torch's exporter makes it: over two rows after a past of three."""
    past = _example_past(model)
    names = [f"{kind}.{i}" for i in range(len(past) // 2) for kind in ("key", "value")]
    ids = torch.arange(10).reshape(2, 5)
    mask = torch.ones(2, 8, dtype=torch.long)
    mask[0, 3] = 0
    positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, 3:]
    tokens = {0: "n", 1: "t"}
    axes = {IDS: tokens, POSITIONS: tokens, MASK: {0: "n", 1: "all"}, LAST: {0: "keep"}}
    axes |= {PAST + name: {0: "m", 2: "before"} for name in names}
    axes |= {PRESENT + name: {0: "n", 2: "all"} for name in names} | {LOGITS: {0: "n", 1: "keep"}}
    inputs = [IDS, MASK, POSITIONS, LAST, *(PAST + name for name in names)]
    shape = Shape(inputs, [LOGITS, *(PRESENT + name for name in names)], axes)
    return traced_module(_Traced(model), (ids, mask, positions, torch.tensor([3, 4]), *past), shape)


def _example_past(model: PreTrainedModel) -> tuple[torch.Tensor, ...]:
    """Return keys and values of three tokens, layer by layer."""
    cache = DynamicCache()
    with torch.inference_mode():
        model(input_ids=torch.arange(3)[None], past_key_values=cache, use_cache=True)
    return _tensors(cache)


def _tensors(cache: DynamicCache) -> tuple[torch.Tensor, ...]:
    found = []
    for layer in cache.layers:
        for one in (getattr(layer, "keys", None), getattr(layer, "values", None)):
            if not isinstance(one, torch.Tensor):
                raise TypeError("a layer remembers other things than keys and values")
            found.append(one)
    return tuple(found)


def _vocabulary(model: PreTrainedModel) -> int:
    return int(model.get_output_embeddings().weight.shape[0])
