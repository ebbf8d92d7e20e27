"""Loading an exported model: ONNX Runtime reads it, and torch is not needed."""

import hashlib
from pathlib import Path

from transformers import AutoTokenizer

from rag.errors import ModelUnavailable
from rag.llms.examining import examine, known
from rag.llms.local import LocalLLM
from rag.llms.onnx import exported
from rag.llms.onnx.exported import Exported
from rag.llms.rendering import Renderer
from rag.seams import LLMSpec


def load_onnx(
    folder: Path, name: str = "", context_window: int = 0, *, examined: bool = True
) -> LocalLLM:
    """Return the exported model of a folder, ready to answer.

    Args:
        folder: one that `firstcite models export` wrote.
        name: what the model is called; by default what its manifest says.
        context_window: in tokens; 0 means what the model was trained for. The smaller counts.
        examined: whether it must know what everybody knows.

    Raises:
        ModelUnavailable: onnxruntime is not installed, the folder holds no exported model, a file
            is missing or damaged, or the model does not know what everybody knows.
    """
    manifest = exported.read(folder)
    try:
        from rag.graphs.running import RUNTIME
        from rag.llms.onnx.model import Graph, OnnxModel
    except ImportError:
        raise ModelUnavailable(
            f"{folder} needs onnxruntime, which is not installed: pip install onnxruntime"
        ) from None
    reader = OnnxModel(Graph(folder / exported.GRAPH))
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError, KeyError):
        raise exported.damaged(folder / "tokenizer.json") from None
    renderer = Renderer(tokenizer)
    if examined:
        examine(reader.read(known(renderer)), str(folder))
    spec = LLMSpec(
        name=name or manifest.name,
        family=manifest.family,
        context_window=min(manifest.context_window, context_window or manifest.context_window),
        template=renderer.hash,
        precision=f"onnx {manifest.precision}",
        why=exported.why(manifest),
        fingerprint=_fingerprint(manifest, RUNTIME),
    )
    return LocalLLM(spec, renderer, reader, frozenset(manifest.stops))


def _fingerprint(manifest: Exported, runtime: str) -> str:
    """Return a hash that changes whenever the model's replies could."""
    facts = [f"{name} {part.sha256}" for name, part in sorted(manifest.files.items())]
    text = "\n".join((runtime, *facts))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
