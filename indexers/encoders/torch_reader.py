"""A sentence-transformers model on torch, in the precision that is safe and fast."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import torch
from safetensors import SafetensorError
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from indexers.encoders.packaged import called, packaged_model
from indexers.encoders.probe import FLOORS, PROBE_TEXTS, compare
from indexers.encoders.reading import Cut, Ids, Kind, Mask, rows
from rag.cores import native_bf16, one_per_core
from rag.errors import ModelUnavailable
from rag.lanes import Crew
from rag.seams import EncoderSpec
from rag.values import Vector

Precision = Literal["auto", "fp32", "bf16"]


class TorchReader:
    """Reads with torch.

    Args:
        model: a folder or a hub name; empty means the packaged all-MiniLM-L6-v2.
        precision: "auto" takes bf16 where the CPU has it and the probe of `probe.py` passes.

    Raises:
        ModelUnavailable: the model cannot be found or read.
    """

    def __init__(self, model: str, precision: Precision) -> None:
        self._path = model or str(packaged_model())
        self._model = opened(self._path)
        chosen, why = self._settle(precision)
        self._spec = spec_of(self._model, called(model), chosen, why)

    @property
    def spec(self) -> EncoderSpec:
        """What the encoder is, and why it has its precision."""
        return self._spec

    @property
    def model(self) -> SentenceTransformer:
        """The model itself."""
        return self._model

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's own."""
        backend = self._model.tokenizer.backend_tokenizer
        assert isinstance(backend, Tokenizer)  # noqa: S101 - every fast tokenizer has one
        return backend

    def crew(self) -> Crew:
        """Return a thread per core, each of which computes alone."""
        return one_per_core()

    def cut(self, texts: Sequence[str], kind: Kind) -> list[Cut]:
        """Return the tokens of each text, with the model's own prompt for its kind."""
        prompt = self._model.prompts.get(kind) or ""
        encoded = self._model.tokenizer(
            [prompt + text for text in texts],
            truncation=True,
            max_length=self._model.max_seq_length,
            return_special_tokens_mask=True,
        )
        pairs = zip(encoded["input_ids"], encoded["special_tokens_mask"], strict=True)
        return [Cut(tuple(ids), tuple(map(bool, special))) for ids, special in pairs]

    def pooled(self, ids: Ids) -> Vector:
        """Return the model's vector of each text, (n, h), of any length."""
        with torch.inference_mode():
            return _numbers(self._read(ids)["sentence_embedding"])

    def states(self, ids: Ids) -> tuple[Vector, Mask]:
        """Return the last hidden states, (n, t, h), and which of them are no padding, (n, t)."""
        with torch.inference_mode():
            output = self._read(ids)
            return _numbers(output["token_embeddings"]), output["attention_mask"].bool().numpy()

    def _read(self, ids: Ids) -> Mapping[str, torch.Tensor]:
        padded = self._model.tokenizer.pad({"input_ids": [*map(list, ids)]}, return_tensors="pt")
        output: Mapping[str, torch.Tensor] = self._model(dict(padded))
        return output

    def _settle(self, precision: Precision) -> tuple[str, str]:
        """Convert the model to the precision asked for, or to the one the probe allows."""
        if precision == "fp32":
            return "fp32", "set"
        if precision == "bf16":
            self._model.to(torch.bfloat16)
            return "bf16", "set"
        if not native_bf16():
            return "fp32", "this CPU has no native bf16"
        exact = rows(self, PROBE_TEXTS)
        self._model.to(torch.bfloat16)
        agreement = compare(exact, rows(self, PROBE_TEXTS))
        if agreement.above(FLOORS["bf16"]):
            return "bf16", f"native bf16, {agreement}"
        self._model = opened(self._path)
        return "fp32", f"bf16 differs too much: {agreement}"


def opened(path: str) -> SentenceTransformer:
    """Return the model of a folder or hub name, in fp32.

    Raises:
        ModelUnavailable: it cannot be found or read, or does not begin with a transformer.
    """
    try:
        model = SentenceTransformer(path, device="cpu").eval()
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelUnavailable(
            f"cannot load the encoder '{path}': {error}. Name a folder with a "
            "sentence-transformers model in encoder.model"
        ) from None
    if not isinstance(getattr(model[0], "auto_model", None), PreTrainedModel):
        raise ModelUnavailable(
            f"the encoder '{path}' begins with {type(model[0]).__name__}, not with a transformer. "
            "Name another in encoder.model"
        )
    return model


def spec_of(model: SentenceTransformer, name: str, precision: str, why: str) -> EncoderSpec:
    """Return what a model is."""
    return EncoderSpec(
        name=name,
        dimension=int(model.get_embedding_dimension() or 0),
        fingerprint=_fingerprint(name, model),
        max_tokens=int(model.max_seq_length or 512),
        precision=precision,
        why=why,
    )


def _numbers(values: torch.Tensor) -> Vector:
    found: Vector = values.float().numpy().astype(np.float32, copy=False)
    return found


def _fingerprint(name: str, model: SentenceTransformer) -> str:
    """Return name and a hash of architecture, vocabulary and a sample of every weight.

    Precision and runtime are left out: the probe keeps them near fp32, so their vectors may meet.
    """
    digest = hashlib.sha256(json.dumps(str(model), sort_keys=True).encode())
    digest.update(json.dumps(model.prompts, sort_keys=True).encode())
    digest.update(json.dumps(model.tokenizer.get_vocab(), sort_keys=True).encode())
    for key, weight in sorted(model.state_dict().items()):
        flat = weight.flatten()
        sample = flat[:: max(1, flat.numel() // 64)].to(torch.bfloat16).float().numpy()
        digest.update(f"{key}{tuple(weight.shape)}".encode() + sample.tobytes())
    return f"{name}@{digest.hexdigest()[:16]}"
