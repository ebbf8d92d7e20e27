"""Cross-encoders: models that read query and passage together and answer with one number.

Nogueira and Cho, "Passage Re-ranking with BERT", 2019. They run on torch through
sentence-transformers, or on ONNX Runtime with the graph that the hub's models bring along.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from rag.errors import ModelUnavailable
from rag.lanes import Lane, apart
from rag.logistic import sigmoid

Runtime = Literal["torch", "onnx"]
Logits: TypeAlias = npt.NDArray[np.float32]
Reader: TypeAlias = Callable[[Sequence[tuple[str, str]]], Logits]
"""Maps pairs of query and passage to logits, (n, labels)."""

BATCH = 16  # chosen: pairs per call; between two calls others have their turn
GRAPHS = ("onnx/model.onnx", "model.onnx")  # where the hub's cross-encoders keep theirs
REMEDY = (
    "Name a folder or hub name of a cross-encoder with one label, such as "
    "cross-encoder/ms-marco-MiniLM-L6-v2"
)


class CrossEncoderScorer:
    """A cross-encoder on its own thread.

    Args:
        model: a folder, or for torch also a hub name.
        runtime: what computes it.
        max_tokens: of query and passage together; the longer one is cut. The model's own limit
            counts where it is smaller.

    Raises:
        ModelUnavailable: the model cannot be found or read, or gives more than one number.
    """

    def __init__(self, model: str, runtime: Runtime = "torch", max_tokens: int = 512) -> None:
        self._name = Path(model).name
        self._read = apart(_RUNTIMES[runtime], model, max_tokens)
        labels = self._read([("query", "passage")]).shape[1]
        if labels != 1:
            raise ModelUnavailable(
                f"'{model}' gives {labels} numbers for a passage, not one relevance: it was made "
                f"to classify. {REMEDY}"
            )
        self._lane = Lane("cross-encoder")

    @property
    def name(self) -> str:
        """The end of the model's path or hub name."""
        return self._name

    async def score(self, query: str, passages: Sequence[str]) -> tuple[float, ...]:
        """Return the sigmoid of each passage's logit, in their order; equal texts score equal.

        Passages of like length are read together. A caller that is cancelled frees the thread
        after the batch that is being read.
        """
        texts = sorted(dict.fromkeys(passages), key=len, reverse=True)
        scores: dict[str, float] = {}
        for start in range(0, len(texts), BATCH):
            part = texts[start : start + BATCH]
            logits = await self._lane.run(self._read, [(query, text) for text in part])
            scores.update(zip(part, map(sigmoid, logits[:, 0].tolist()), strict=True))
        return tuple(scores[text] for text in passages)

    async def close(self) -> None:
        """End the thread."""
        self._lane.close()


def _torch(model: str, max_tokens: int) -> Reader:
    from safetensors import SafetensorError
    from sentence_transformers import CrossEncoder
    from torch.nn import Identity

    try:
        encoder = CrossEncoder(model, activation_fn=Identity())
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise _unavailable(model, error) from None
    kinds = getattr(encoder.config, "architectures", None) or ()
    if len(encoder) == 1 and kinds and not any("Classification" in kind for kind in kinds):
        # transformers would put a head of random weights on it and say so in a log only
        raise ModelUnavailable(f"'{model}' is {kinds[0]}, which has no head to score. {REMEDY}")
    encoder.max_seq_length = min(max_tokens, encoder.max_seq_length or max_tokens)

    def read(pairs: Sequence[tuple[str, str]]) -> Logits:
        logits = encoder.predict(list(pairs), batch_size=BATCH, show_progress_bar=False)
        return np.asarray(logits, np.float32).reshape(len(pairs), -1)

    return read


def _onnx(model: str, max_tokens: int) -> Reader:
    from onnxruntime import InferenceSession, SessionOptions
    from onnxruntime.capi import onnxruntime_pybind11_state as failures
    from transformers import AutoConfig, AutoTokenizer

    fails = (failures.Fail, failures.InvalidGraph, failures.InvalidProtobuf)
    graph = next((file for name in GRAPHS if (file := Path(model) / name).is_file()), None)
    if graph is None:
        raise ModelUnavailable(
            f"there is no {' and no '.join(GRAPHS)} in '{model}': download the model with its ONNX "
            "files into a folder and name that, or take the runtime torch"
        )
    options = SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        tokenizer = AutoTokenizer.from_pretrained(model)
        config = AutoConfig.from_pretrained(model)
        session = InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    except (OSError, ValueError, KeyError, *fails) as error:
        raise _unavailable(model, error) from None
    positions = int(getattr(config, "max_position_embeddings", 0) or max_tokens)
    length = min(max_tokens, positions, tokenizer.model_max_length)
    inputs = [one.name for one in session.get_inputs()]

    def read(pairs: Sequence[tuple[str, str]]) -> Logits:
        encoded = tokenizer(
            list(pairs), padding=True, truncation=True, max_length=length, return_tensors="np"
        )
        none = np.zeros_like(encoded["input_ids"])  # what transformers takes for missing inputs
        (logits, *_) = session.run(None, {name: encoded.get(name, none) for name in inputs})
        return np.asarray(logits, np.float32).reshape(len(pairs), -1)

    return read


def _unavailable(model: str, error: Exception) -> ModelUnavailable:
    return ModelUnavailable(f"cannot load the cross-encoder '{model}': {error}. {REMEDY}")


_RUNTIMES: Mapping[Runtime, Callable[[str, int], Reader]] = {"torch": _torch, "onnx": _onnx}
