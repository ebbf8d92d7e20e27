"""A cross-encoder for natural language inference, where one is at hand.

It reads premise and hypothesis together and says how likely the one entails the other. Relevance
models (`rerankers.cross_encoder`) answer another question and are refused.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from rag.errors import ModelUnavailable
from rag.lanes import Lane, apart
from rag.verify.entailment import Claimed

Logits: TypeAlias = npt.NDArray[np.float32]
Reader: TypeAlias = Callable[[Sequence[tuple[str, str]]], Logits]
"""Maps pairs of premise and hypothesis to logits, (n, labels)."""

BATCH = 16  # chosen: pairs per call; between two calls others have their turn
REMEDY = (
    "Name a folder or hub name of a model with a label 'entailment', such as "
    "cross-encoder/nli-deberta-v3-small"
)


class Nli:
    """An NLI model on its own thread.

    Args:
        model: a folder or a hub name.
        max_tokens: of premise and hypothesis together; the longer one is cut.

    Raises:
        ModelUnavailable: the model cannot be found or read, or has no label "entailment".
    """

    def __init__(self, model: str, max_tokens: int = 512) -> None:
        self._read, self._label = apart(_opened, model, max_tokens)
        self._lane = Lane("nli")

    async def entailed(self, claims: Sequence[Claimed]) -> tuple[float, ...]:
        """Return for each claim the probability that its evidence, joined, entails it."""
        pairs = [("\n".join(evidence), sentence) for evidence, sentence in claims]
        found: list[float] = []
        for start in range(0, len(pairs), BATCH):
            logits = await self._lane.run(self._read, pairs[start : start + BATCH])
            powers = np.exp(logits - logits.max(axis=1, keepdims=True))  # (n, labels)
            found += (powers[:, self._label] / powers.sum(axis=1)).tolist()
        return tuple(found)

    async def close(self) -> None:
        """End the thread."""
        self._lane.close()


def _opened(model: str, max_tokens: int) -> tuple[Reader, int]:
    from safetensors import SafetensorError
    from sentence_transformers import CrossEncoder
    from torch.nn import Identity

    try:
        encoder = CrossEncoder(model, activation_fn=Identity())
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelUnavailable(f"cannot load the NLI model '{model}': {error}. {REMEDY}") from None
    names = {name.lower(): i for i, name in (encoder.config.id2label or {}).items()}
    if "entailment" not in names:
        raise ModelUnavailable(
            f"'{Path(model).name}' has the labels {', '.join(names)}, none of them says that "
            f"something is entailed. {REMEDY}"
        )
    encoder.max_seq_length = min(max_tokens, encoder.max_seq_length or max_tokens)

    def read(pairs: Sequence[tuple[str, str]]) -> Logits:
        logits = encoder.predict(list(pairs), batch_size=BATCH, show_progress_bar=False)
        return np.asarray(logits, np.float32).reshape(len(pairs), -1)

    return read, int(names["entailment"])
