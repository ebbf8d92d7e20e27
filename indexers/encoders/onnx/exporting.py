"""Exporting an encoder to ONNX Runtime: traced with its pooling, and compared with torch.

It is written in fp32, and in int8 where that is good enough.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from sentence_transformers import SentenceTransformer
from transformers import PreTrainedModel

from indexers.encoders.onnx import exported
from indexers.encoders.onnx.exported import EXACT, GRAPHS, IDS, MASK, POOLED, STATES, Exported
from indexers.encoders.onnx.quantizing import HALF, WHOLE, Values, multiplied, quantized
from indexers.encoders.onnx.reader import OnnxReader
from indexers.encoders.probe import CHECKED_TEXTS, FLOORS, Agreement, compare
from indexers.encoders.reading import Numbers, rows
from indexers.encoders.torch_reader import TorchReader
from rag.errors import ModelUnavailable
from rag.folders import parts, written
from rag.graphs.running import cores, session
from rag.graphs.tracing import Shape, traceable, traced

CALIBRATING = 16  # chosen: texts that the reach of every channel is measured with
CALIBRATING_TOKENS = 128

_AXES = {0: "n", 1: "t"}
_SHAPE = Shape(
    [IDS, MASK],
    [POOLED, STATES],
    {IDS: _AXES, MASK: _AXES, POOLED: {0: "n"}, STATES: _AXES},
)


def export(model: str, into: Path) -> Exported:
    """Write an encoder as a folder that ONNX Runtime reads; return its manifest.

    Args:
        model: a folder or hub name; empty means the packaged one.
        into: the folder to write, replaced where it is there.

    Raises:
        ModelUnavailable: it cannot be loaded, traced or written, or does not say what torch says.
    """
    reader = TorchReader(model, "fp32")
    exact = rows(reader, CHECKED_TEXTS)
    graph = _traced(reader.model)
    with written(into) as made:
        _tokenizer(reader, made)
        np.save(made / EXACT, exact)
        fp32 = made / GRAPHS["fp32"]
        onnx.save(graph, fp32, save_as_external_data=True, location=exported.WEIGHTS)
        manifest = _manifest(model, reader)
        agreement = _agreement(made, manifest, "fp32", exact)
        if not agreement.above(FLOORS["fp32"]):
            raise ModelUnavailable(
                f"'{model}' is not the same model as a graph: {agreement}. Set encoder.runtime to "
                "torch"
            )
        refused = _write_int8(made, manifest, exact)
        manifest = replace(manifest, refused=refused, files=parts(made))
        exported.write(made, manifest)
    return manifest


class _Module(torch.nn.Module):
    """An encoder from token ids to its vector and its last hidden states."""

    def __init__(self, model: SentenceTransformer) -> None:
        super().__init__()
        self._model = model

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        output = self._model({IDS: ids, MASK: mask})
        return output["sentence_embedding"], output["token_embeddings"]


def _traced(model: SentenceTransformer) -> onnx.ModelProto:
    """Return the graph over padded rows of tokens, the padding right or left."""
    ids = torch.arange(10).reshape(2, 5)
    mask = torch.ones(2, 5, dtype=torch.long)
    mask[0, 3:] = 0
    transformer = model[0].auto_model
    assert isinstance(transformer, PreTrainedModel)  # noqa: S101 - `opened` has seen to it
    with traceable(transformer):
        return traced(_Module(model), (ids, mask), _SHAPE)


def _tokenizer(reader: TorchReader, folder: Path) -> None:
    """Write the tokenizer, which cuts texts by itself and leaves padding to the reader."""
    file = str(folder / exported.TOKENIZER)
    reader.cut(["a"], "document")  # sets how it cuts
    reader.tokenizer.no_padding()
    reader.tokenizer.save(file)


def _manifest(model: str, reader: TorchReader) -> Exported:
    spec, tokenizer = reader.spec, reader.model.tokenizer
    return Exported(
        source=exported.source(model),
        name=spec.name,
        dimension=spec.dimension,
        fingerprint=spec.fingerprint,
        max_tokens=spec.max_tokens,
        prompts={kind: text for kind, text in reader.model.prompts.items() if text},
        pad=int(tokenizer.pad_token_id or 0),
        left=tokenizer.padding_side == "left",
        refused="",
        files={},
    )


def _agreement(folder: Path, manifest: Exported, precision: str, exact: Values) -> Agreement:
    return compare(exact, rows(OnnxReader(folder, manifest, precision), CHECKED_TEXTS))


def _write_int8(folder: Path, manifest: Exported, exact: Values) -> str:
    """Write the graph in int8 in the first way that agrees; where none does, return why.

    It shares the weights that stay in fp32 with the other graph.
    """
    graph = onnx.load(folder / GRAPHS["fp32"], load_external_data=False)
    reach = _reach(graph, folder, manifest)
    file, why = folder / GRAPHS["int8"], "no layer multiplies by constant weights"
    for top in (WHOLE, HALF) if reach else ():
        onnx.save(quantized(graph, reach, top, folder), file)
        agreement = _agreement(folder, manifest, "int8", exact)
        if agreement.above(FLOORS["int8"]):
            return ""
        why = str(agreement)
    file.unlink(missing_ok=True)
    return f"int8 differs too much: {why}"


def _reach(graph: onnx.ModelProto, folder: Path, manifest: Exported) -> dict[str, Values]:
    """Return the largest absolute number of each channel that enters a multiplication.

    It is measured with random tokens: what meets the weights has been normalised, and depends
    little on the text (a third of the error is gone, as with texts of the collection itself).
    """
    names = multiplied(graph)
    watched = onnx.ModelProto()
    watched.CopyFrom(graph)
    there = {one.name for one in graph.graph.output}
    watched.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        for name in names
        if name not in there
    )
    file = folder / "watched.onnx"
    onnx.save(watched, file)
    running = session(file, cores(), "Set encoder.runtime to torch")
    file.unlink()
    found: dict[str, Values] = {}
    for ids in _calibrating(OnnxReader(folder, manifest, "fp32")):
        feeds = {IDS: ids[None], MASK: np.ones_like(ids[None])}
        for name, values in zip(names, running.run(list(names), feeds), strict=True):
            most = np.abs(values.reshape(-1, values.shape[-1])).max(axis=0)  # (k,)
            found[name] = np.maximum(found.get(name, most), most)
    return found


def _calibrating(reader: OnnxReader) -> list[Numbers]:
    """Return rows of random tokens between those that the tokenizer puts around a text."""
    around = list(reader.cut([""], "document")[0].ids)
    size = min(CALIBRATING_TOKENS, reader.spec.max_tokens) - len(around)
    middle = len(around) // 2
    vocabulary, random = reader.tokenizer.get_vocab_size(), np.random.default_rng(0)
    return [
        np.array([*around[:middle], *random.integers(0, vocabulary, size), *around[middle:]])
        for _ in range(CALIBRATING)
    ]
