"""Opening a language model to be trained: whole or by an adapter, on the CPU or on CUDA."""

import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from transformers import PreTrainedModel

from rag.errors import ModelUnavailable, OutOfMemory
from rag.lanes import apart
from rag.llms.loading import opened, stops
from rag.llms.tuition import TOKENS, Tuition
from rag.training.memory import SHARE, free_bytes
from rag.values import Frozen

# Measured with SmolLM2-135M and larger ones: what is kept for the way back, in bytes per token,
# layer and hidden unit; the last with gradient checkpointing.
_KEPT, _RECOMPUTED = 112, 31
_PER_WEIGHT = 12  # a gradient and two moments of AdamW, fp32


@dataclass(frozen=True, slots=True)
class Means(Frozen):
    """With what means a model is trained.

    `lora` is the rank of an adapter, 0 for all weights; `tokens` go through the model at a time.
    `recompute` forgets what a layer gave and computes it again on the way back: a third more time,
    a quarter of the memory; None does so where memory would not suffice otherwise.
    """

    lora: int = 0
    tokens: int = TOKENS
    recompute: bool | None = None


def teach(path: str | Path, means: Means) -> Tuition:
    """Return a model ready to learn.

    Raises:
        ModelUnavailable: it cannot be found or read, or an adapter is wanted and peft is missing.
        OutOfMemory: its gradients do not fit.
    """
    return apart(_taught, path, means)


def _taught(path: str | Path, means: Means) -> Tuition:
    tokenizer, model = opened(path)
    config = model.config.get_text_config()
    window = int(getattr(config, "max_position_embeddings", 0) or 2_048)
    ends = stops(model, tokenizer.eos_token_id)
    if not ends:
        raise ModelUnavailable(f"the model '{path}' has no token that ends a text")
    stop = tokenizer.eos_token_id if tokenizer.eos_token_id in ends else min(ends)
    if torch.cuda.is_available():
        torch.nn.Module.to(model, "cuda", torch.bfloat16 if means.lora else torch.float32)
    if means.lora:
        model = _adapted(model, means.lora)
    _fit(model, means)
    taught = _Adapted if means.lora else Tuition
    return taught(model, tokenizer, int(stop), window, means.tokens)


def _fit(model: PreTrainedModel, means: Means) -> None:
    """Let a model recompute where it must.

    Raises:
        OutOfMemory: what is trained does not fit at all.
    """
    free = free_bytes(model.device)
    learnt = sum(p.numel() for p in model.parameters() if p.requires_grad) * _PER_WEIGHT
    left = free * SHARE - learnt
    if left <= 0:
        raise OutOfMemory(
            f"training needs {learnt / 1e9:.1f} GB for gradients alone, and "
            f"{free / 1e9:.1f} GB are free: train an adapter with --lora 16"
        )
    config = model.config.get_text_config()
    kept = means.tokens * config.num_hidden_layers * config.hidden_size
    recompute = kept * _KEPT > left if means.recompute is None else means.recompute
    if recompute:
        model.activation_checkpointing_enable({"use_reentrant": False})
        model.enable_input_require_grads()


def _adapted(model: PreTrainedModel, rank: int) -> PreTrainedModel:
    if find_spec("peft") is None:
        raise ModelUnavailable("--lora needs peft: pip install 'firstcite[train]'")
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear")
    with warnings.catch_warnings():  # peft asks transformers by a name that is going out
        warnings.simplefilter("ignore", FutureWarning)
        adapted: PreTrainedModel = get_peft_model(model, config)  # type: ignore[assignment]
    for parameter in adapted.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return adapted


class _Adapted(Tuition):
    """Trains an adapter; what is saved is the model with it, and the adapter alone beside."""

    def save(self, folder: Path) -> None:
        """Write model, tokenizer, and in `adapter/` what was learnt."""
        self.model.save_pretrained(folder / "adapter")
        merged = self.model.merge_and_unload()  # type: ignore[operator]
        merged.save_pretrained(folder)
        self._tokenizer.save_pretrained(folder)
