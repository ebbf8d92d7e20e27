"""Exporting a language model to ONNX Runtime: traced, its weights packed, and verified.

What is written answers as the model does on torch in fp32, or it is not written: both read the
probe prompts, and the most likely label must be the same for 99 in 100.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from rag.errors import ModelUnavailable
from rag.folders import parts, written
from rag.llms.batching import Row
from rag.llms.family import family
from rag.llms.loading import opened, stops
from rag.llms.onnx import exported, probes
from rag.llms.onnx.exported import GRAPH, WEIGHTS, Agreement, Exported, Precision
from rag.llms.onnx.model import LOGITS, Graph, OnnxModel
from rag.llms.onnx.quantizing import Blocks, quantize
from rag.llms.onnx.tracing import traced
from rag.llms.reading import LogProbs
from rag.llms.rendering import Renderer
from rag.llms.torch_model import TorchModel
from rag.values import Frozen

FLOOR = 0.99  # of the probes must agree
FEWEST = 100  # probes, for the share to say something

# How weights may be stored: the first way that agrees is taken. Measured with SmolLM2-135M on 2
# cores: multiplying by codes reads at .75 to .9 of fp32's speed, writes at 1.4 to 1.9 of it, and
# 57 to 98 % of the probes agree, by bits, blocks and layers. Unpacked as the model loads,
# at fp32's speed from then on, 152 of 152 agree: its weights were in 4 bits before.
WAYS: dict[Precision, tuple[Blocks | None, ...]] = {
    "fp32": (None,),
    "int8": (Blocks(8, 32, unpacked=False), Blocks(8, 32, unpacked=True)),
    "int4": (Blocks(4, 32, unpacked=False), Blocks(4, 32, unpacked=True)),
}


@dataclass(frozen=True, slots=True)
class _Asked(Frozen):
    """The probes, and how torch reads them in fp32."""

    rows: Sequence[Row]
    exact: Sequence[LogProbs]


def export(
    source: str | Path, into: Path, name: str, precision: Precision, floor: float = FLOOR
) -> Exported:
    """Write a causal language model as a folder that ONNX Runtime reads; return its manifest.

    Args:
        source: a folder with a transformers model, or a hub name.
        into: the folder to write, replaced where it is there.
        name: what the model is called.
        precision: of the weights.
        floor: the share of probes that must agree.

    Raises:
        ModelUnavailable: it cannot be loaded, traced or written, or does not agree.
    """
    tokenizer, model = opened(source)
    renderer = Renderer(tokenizer)
    config = model.config.get_text_config()
    window = int(getattr(config, "max_position_embeddings", 0) or 2_048)
    rows = probes.rows(renderer, window)
    if len(rows) < FEWEST:
        raise ModelUnavailable(
            f"'{source}' can be asked {len(rows)} of the probes that verify an export, and "
            f"{FEWEST} are needed: its window or its tokenizer is too small. Let torch run it"
        )
    exact = TorchModel(model).read(rows)
    with written(into) as made:
        tokenizer.save_pretrained(made)
        model.config.save_pretrained(made)
        agreement, blocks = _write_agreeing(
            traced(model), WAYS[precision], floor, made, _Asked(rows, exact)
        )
        if agreement.share < floor:
            raise ModelUnavailable(_refused(source, precision, agreement))
        manifest = Exported(
            name=name,
            family=family(name, str(config.model_type)),
            context_window=window,
            vocabulary=int(config.vocab_size),
            stops=tuple(sorted(stops(model, tokenizer.eos_token_id))),
            precision=precision,
            unpacked=blocks is not None and blocks.unpacked,
            agreement=agreement,
            files=parts(made),
        )
        exported.write(made, manifest)
    return manifest


def compare(exact: Sequence[LogProbs], found: Sequence[LogProbs]) -> Agreement:
    """Return how two readings of the same probes agree.

    >>> one = np.array([[-1.0, -2.0]], np.float32)
    >>> str(compare([one, one], [one + 0.5, one[:, ::-1]]))
    '1 of 2 probes agree with fp32 (50.0%), log-probabilities differ by 0.79, 1 at most'
    """
    pairs = list(zip(exact, found, strict=True))
    agreeing = sum(bool(a[-1].argmax() == b[-1].argmax()) for a, b in pairs)
    difference = np.concatenate([(b[-1] - a[-1]) for a, b in pairs])
    worst, rms = np.abs(difference).max(), np.sqrt(np.mean(difference**2))
    return Agreement(len(pairs), agreeing, float(worst), float(rms))


def _write_agreeing(
    graph: onnx.ModelProto,
    ways: Sequence[Blocks | None],
    floor: float,
    folder: Path,
    asked: _Asked,
) -> tuple[Agreement, Blocks | None]:
    """Write a graph in the first way that agrees, or in the last; return how it does."""
    first, *others = ways
    found = _written(graph, first, folder, asked), first
    for blocks in others:
        if found[0].share < floor:
            found = _written(graph, blocks, folder, asked), blocks
    return found


def _written(
    graph: onnx.ModelProto, blocks: Blocks | None, folder: Path, asked: _Asked
) -> Agreement:
    """Write a graph and its weights, and return how it agrees.

    The output layer stays fp32: what it rounds, every label feels.
    """
    for file in (GRAPH, WEIGHTS):
        (folder / file).unlink(missing_ok=True)
    packed = onnx.ModelProto()
    packed.CopyFrom(graph)
    if blocks:
        quantize(packed, blocks, apart=(LOGITS,))
    onnx.save(packed, folder / GRAPH, save_as_external_data=True, location=WEIGHTS)
    return compare(asked.exact, OnnxModel(Graph(folder / GRAPH)).read(asked.rows))


def _refused(source: str | Path, precision: Precision, agreement: Agreement) -> str:
    better = [one for one in exported.PRECISIONS if one != precision]
    better = better[: exported.PRECISIONS.index(precision)]
    remedy = f"take {' or '.join(reversed(better))}" if better else "let torch run it"
    return (
        f"'{source}' in {precision} is not the same model: {agreement}. Nothing is kept: {remedy}"
    )
