"""Loading a local model: its precision, its stops, and whether it answers at all.

Where a twin in bf16 reads (`rag.llms.packing`), the model in fp32 stays beside it as long as memory
allows, to decide near ties and to write.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import torch
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from rag.cores import native_bf16, one_per_core
from rag.errors import ModelUnavailable
from rag.lanes import apart
from rag.llms import examining
from rag.llms.batching import Row
from rag.llms.careful import Careful
from rag.llms.family import family
from rag.llms.local import LocalLLM
from rag.llms.packing import can_pack, halved, packed
from rag.llms.reading import LogProbs, Reader
from rag.llms.rendering import Renderer
from rag.llms.torch_model import TorchModel
from rag.seams import LLMSpec
from rag.values import Frozen

Precision = Literal["auto", "fp32", "bf16"]

TWIN_BYTES = 2**32  # chosen: fp32 weights up to this size are kept beside those in bf16
Settled: TypeAlias = tuple[Reader, str, str, Sequence[LogProbs]]
"""What reads as asked, or as a probe allows; its precision; why; how it reads the known things."""

NEAR = 0.05  # chosen: the root mean square by which log-probabilities may differ from fp32


@dataclass(frozen=True, slots=True)
class Nearness(Frozen):
    """The root mean square by which log-probabilities of tokens differ from those in fp32."""

    error: float

    @property
    def safe(self) -> bool:
        """Whether one precision may stand for the other."""
        return self.error <= NEAR

    def __str__(self) -> str:
        return f"log-probabilities differ by {self.error:.3f} from fp32"


def load(
    path: str | Path,
    name: str = "",
    precision: Precision = "auto",
    context_window: int = 0,
    *,
    examine: bool = True,
) -> LocalLLM:
    """Return the causal language model of a folder or hub name, ready to answer.

    Args:
        path: the folder or name.
        name: what it is called; by default the end of the path.
        precision: of the layers' multiplications.
        context_window: in tokens; 0 means what the model was trained for. The smaller counts.
        examine: whether the model must know what everybody knows.

    Raises:
        ModelUnavailable: it cannot be found or read, its template fails, or it does not know what
            everybody knows, which is the sign of a wrong template or damaged weights.
    """
    return apart(_loaded, path, name, precision, context_window, examine=examine)


def _loaded(
    path: str | Path, name: str, precision: Precision, context_window: int, *, examine: bool
) -> LocalLLM:
    tokenizer, model = opened(path)
    renderer = Renderer(tokenizer)
    rows = examining.known(renderer)
    settle = _on_cuda if torch.cuda.is_available() else _on_cpu
    reader, chosen, why, known = settle(model, rows, precision)
    if examine:
        examining.examine(known, str(path))
    config = model.config.get_text_config()
    trained = int(getattr(config, "max_position_embeddings", 0) or 2_048)
    spec = LLMSpec(
        name=name or Path(path).name,
        family=family(name or Path(path).name, str(config.model_type)),
        context_window=min(trained, context_window or trained),
        template=renderer.hash,
        precision=chosen,
        why=why,
        fingerprint=fingerprint(path, model, renderer.hash, chosen),
    )
    return LocalLLM(spec, renderer, reader, stops(model, tokenizer.eos_token_id))


def opened(path: str | Path) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """Return the tokenizer and, in fp32, the causal language model of a folder or hub name.

    Raises:
        ModelUnavailable: it cannot be found or read.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(path)
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelUnavailable(
            f"cannot load the language model '{path}': {error}. Name a folder with a transformers "
            "model in llm.model"
        ) from None
    return tokenizer, model.eval()


def stops(model: PreTrainedModel, eos: int | None) -> frozenset[int]:
    """Return the ids that end a text: the tokenizer's, and those of the generation settings."""
    more = getattr(model.generation_config, "eos_token_id", None)
    listed = more if isinstance(more, list) else [more]
    return frozenset(id_ for id_ in (*listed, eos) if isinstance(id_, int))


def fingerprint(path: str | Path, model: PreTrainedModel, *more: str) -> str:
    """Return a hash that changes whenever the model's replies could.

    A folder's files are told by size and time, a hub's by their commit.
    """
    files = sorted(Path(path).glob("*")) if Path(path).is_dir() else []
    facts = [f"{f.name} {f.stat().st_size} {f.stat().st_mtime_ns}" for f in files if f.is_file()]
    commit = str(getattr(model.config, "_commit_hash", ""))
    text = "\n".join((str(path), commit, *facts, *more))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def compare(exact: Sequence[LogProbs], fast: Sequence[LogProbs]) -> Nearness:
    """Return how near the second reading of the same tokens is to the first.

    >>> one = np.array([[-1.0], [-2.0]], np.float32)
    >>> str(compare([one], [one + 0.5]))
    'log-probabilities differ by 0.500 from fp32'
    """
    difference = np.concatenate(list(fast)) - np.concatenate(list(exact))
    return Nearness(float(np.sqrt(np.mean(difference**2))))


def _on_cpu(model: PreTrainedModel, rows: Sequence[Row], precision: Precision) -> Settled:
    wanted = precision == "bf16" or (precision == "auto" and native_bf16())
    twin = halved(model) if wanted and can_pack() else None
    crew = one_per_core()
    exact = TorchModel(packed(model, twin), crew=crew)
    known = exact.read(rows)
    if twin is None:
        why = "set" if precision == "fp32" else "this CPU, or this torch, has no native bf16"
        return exact, "fp32", why, known
    nearness = compare(known, TorchModel(twin, crew=crew).read(rows))
    if precision == "auto" and not nearness.safe:
        return exact, "fp32", f"bf16 is not near enough: {nearness}", known
    why = "set" if precision == "bf16" else f"native bf16, {nearness}"
    if model.get_memory_footprint() > TWIN_BYTES:
        why += "; too large to keep fp32 beside it"
        return TorchModel(twin, crew=crew), "bf16", why, known
    return Careful(TorchModel(twin, writer=model, crew=crew), exact), "bf16", why, known


def _on_cuda(model: PreTrainedModel, rows: Sequence[Row], precision: Precision) -> Settled:
    dtype = torch.float32 if precision == "fp32" else torch.bfloat16
    torch.nn.Module.to(model, "cuda", dtype)
    reader = TorchModel(model)
    return reader, "fp32" if precision == "fp32" else "bf16", "CUDA", reader.read(rows)
