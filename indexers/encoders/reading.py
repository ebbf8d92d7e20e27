"""What reads the tokens of an encoder: torch or ONNX Runtime. See `dense.py`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from indexers.encoders.batches import batches, unit
from rag.lanes import Crew
from rag.seams import EncoderSpec
from rag.values import Frozen, Vector

Kind = Literal["query", "document"]
Ids: TypeAlias = Sequence[Sequence[int]]
Numbers: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Cut(Frozen):
    """A text in tokens; `special` marks those that the tokenizer added."""

    ids: tuple[int, ...]
    special: tuple[bool, ...]


class Reader(Protocol):
    """A sentence-transformers model; `pooled` and `states` may be called by several threads."""

    @property
    def spec(self) -> EncoderSpec:
        """What the encoder is, and why it has its precision."""
        ...

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's own."""
        ...

    def crew(self) -> Crew:
        """Return a thread per core, each of which computes alone."""
        ...

    def cut(self, texts: Sequence[str], kind: Kind) -> list[Cut]:
        """Return the tokens of each text, with the model's own prompt for its kind."""
        ...

    def pooled(self, ids: Ids) -> Vector:
        """Return the model's vector of each text, (n, h), of any length."""
        ...

    def states(self, ids: Ids) -> tuple[Vector, Mask]:
        """Return the last hidden states, (n, t, h), and which of them are no padding, (n, t)."""
        ...


def rows(reader: Reader, texts: Sequence[str]) -> Vector:
    """Return the unit vectors of documents, (n, h), read by one thread."""
    ids = [cut.ids for cut in reader.cut(texts, "document")]
    found: dict[int, Vector] = {}
    for batch in batches([len(one) for one in ids], cores=1):
        found.update(zip(batch, unit(reader.pooled([ids[i] for i in batch])), strict=True))
    return np.stack([found[i] for i in range(len(texts))])
