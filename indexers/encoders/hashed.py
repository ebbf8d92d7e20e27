"""The encoder without a model: the shipped fake of the `Encoder` seam.

A text is the sum of one pseudo-random unit vector per word, so texts that share words are near.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Literal

import numpy as np

from rag.seams import EncoderSpec
from rag.values import Vector

_WORD = re.compile(r"\w+")


class HashedEncoder:
    """Bags of hashed words; the same on every machine."""

    def __init__(self, dimension: int = 64, name: str = "hashed") -> None:
        self._spec = EncoderSpec(name, dimension, f"{name}/{dimension}", 10_000)
        self._words: dict[str, Vector] = {}

    @property
    def spec(self) -> EncoderSpec:
        """Name, dimension and a fingerprint made of both."""
        return self._spec

    async def encode(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vector:
        """Return one unit row per text, shape (n, h); a text without words is the first axis."""
        del kind
        rows = [self._row(text) for text in texts]
        return np.stack(rows) if rows else np.zeros((0, self._spec.dimension), np.float32)

    async def encode_tokens(
        self, texts: Sequence[str], kind: Literal["query", "document"]
    ) -> list[Vector]:
        """Return per text the unit vectors of its words, shape (t, h)."""
        del kind
        empty = np.zeros((0, self._spec.dimension), np.float32)
        words = [[self._word(word) for word in _WORD.findall(text.lower())] for text in texts]
        return [np.stack([w / np.linalg.norm(w) for w in row]) if row else empty for row in words]

    async def encode_parts(self, passages: Sequence[Sequence[str]]) -> list[Vector]:
        """Return a row per part but the first: its own words, and a tenth of the passage's."""
        found: list[Vector] = []
        for _, *parts in passages:
            rows = np.stack([self._row(part) for part in parts])  # (n, h)
            mixed = rows + 0.1 * self._row(" ".join(passages[len(found)]))
            found.append(mixed / np.linalg.norm(mixed, axis=1, keepdims=True))
        return found

    def _row(self, text: str) -> Vector:
        total = np.zeros(self._spec.dimension, np.float32)  # (h,)
        for word in _WORD.findall(text.lower()):
            total += self._word(word)
        if not total.any():
            total[0] = 1.0
        return total / np.linalg.norm(total)

    def _word(self, word: str) -> Vector:
        row = self._words.get(word)  # making one takes 20 µs
        if row is None:
            seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
            random = np.random.default_rng(seed)
            row = random.standard_normal(self._spec.dimension).astype(np.float32)
            self._words[word] = row
        return row  # (h,)
