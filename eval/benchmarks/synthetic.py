"""A corpus of any size without a model: words by Zipf's law, vectors in clusters; by number."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from indexers.splitting.pieces import Piece, chunks_of
from rag.seams import EncoderSpec
from rag.values import Chunk, Document, Vector

CHUNKS = 4  # in a document
WORDS = 80  # in a chunk, about 500 characters
VOCABULARY = 50_000
CLUSTERS = 2_000
NOISE = 0.06  # of each number; cosines within a cluster are about .4, between clusters 0


class Synthetic:
    """An encoder whose vectors lie in clusters: near texts are found by their first word alone."""

    def __init__(self, dimension: int = 384) -> None:
        self._spec = EncoderSpec("synthetic", dimension, f"synthetic/{dimension}", 10_000)
        random = np.random.default_rng(0)
        centres = random.standard_normal((CLUSTERS, dimension)).astype(np.float32)
        self._centres = centres / np.linalg.norm(centres, axis=1, keepdims=True)

    @property
    def spec(self) -> EncoderSpec:
        """Its name and dimension."""
        return self._spec

    async def encode(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vector:
        """Return one unit row per text: a centre by the text's checksum, and noise."""
        del kind
        seeds = [zlib.crc32(text.encode()) for text in texts]
        noise = np.stack(
            [
                np.random.default_rng(seed).standard_normal(self._spec.dimension, np.float32)
                for seed in seeds
            ]
        )  # (n, h)
        rows = self._centres[[seed % CLUSTERS for seed in seeds]] + NOISE * noise
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)  # type: ignore[no-any-return]


def documents(chunks: int) -> Iterator[Document]:
    """Yield documents of CHUNKS lines that make so many chunks."""
    random = np.random.default_rng(1)
    words = np.array([_word(number) for number in range(VOCABULARY)])
    for number in range(chunks // CHUNKS):
        ranks = np.minimum(random.zipf(1.2, (CHUNKS, WORDS)), VOCABULARY) - 1
        text = "\n".join(" ".join(line) for line in words[ranks])
        yield Document(f"d{number}", text, f"Document {number}", f"/synthetic.jsonl:{number + 1}")


def lines(given: Sequence[Document]) -> list[tuple[Chunk, ...]]:
    """Return each line as a chunk."""
    return [tuple(chunks_of(document, _pieces(document))) for document in given]


def questions(n: int) -> list[str]:
    """Return queries of a few words, some of them rare."""
    random = np.random.default_rng(2)
    return [
        " ".join(_word(int(rank)) for rank in np.minimum(random.zipf(1.2, 6), VOCABULARY) - 1)
        for _ in range(n)
    ]


def _pieces(document: Document) -> Iterator[Piece]:
    start = 0
    for line in document.text.split("\n"):
        yield replace(Piece(start, start + len(line)), context=document.title)
        start += len(line) + 1


def _word(number: int) -> str:
    letters = []
    number += 26 * 26
    while number:
        number, letter = divmod(number, 26)
        letters.append(chr(ord("a") + letter))
    return "".join(letters) + "o"
