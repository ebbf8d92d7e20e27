"""Dense encoding with a sentence-transformers model, on torch or on ONNX Runtime."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from tokenizers import Tokenizer

from indexers.encoders.batches import batches, unit
from indexers.encoders.packaged import called
from indexers.encoders.parts import Parted, parted, pieces
from indexers.encoders.probe import PROBE_TEXTS
from indexers.encoders.reading import Cut, Ids, Kind, Reader
from rag.errors import BadSettings, ModelUnavailable
from rag.lanes import Batcher, Lane, apart
from rag.seams import EncoderSpec
from rag.values import Vector

Runtime = Literal["torch", "onnx"]
Precision = Literal["auto", "fp32", "bf16", "int8"]
Keep: TypeAlias = Callable[[list[int], Ids], None]
"""Takes the places of the texts in a batch, and their tokens."""


class DenseEncoder:
    """A sentence-transformers model, a thread for each core.

    Concurrent queries share a forward pass, and go before documents that wait.

    Args:
        model: a folder or a hub name; empty means the packaged all-MiniLM-L6-v2.
        precision: "auto" takes the fast one of the runtime where the probe of `probe.py` passes.
        runtime: what computes it; "onnx" exports the model once.
        models: the folder of exported models, which only "onnx" needs.

    Raises:
        BadSettings: a precision that the runtime does not compute.
        ModelUnavailable: the model cannot be found, read or exported.
    """

    def __init__(
        self,
        model: str = "",
        precision: Precision = "auto",
        runtime: Runtime = "torch",
        models: Path | None = None,
    ) -> None:
        self._reader = apart(_RUNTIMES[runtime], model, precision, models)
        if len({one.ids for one in self._reader.cut(PROBE_TEXTS, "document")}) < len(PROBE_TEXTS):
            raise ModelUnavailable(
                f"the tokenizer of '{model or called(model)}' cannot tell texts apart: its files "
                "are missing or damaged"
            )
        self._uncut = Tokenizer.from_str(self._reader.tokenizer.to_str())
        self._uncut.no_truncation()
        self._uncut.no_padding()
        self._crew = self._reader.crew()
        self._lane = Lane("encoder")
        self._queries = Batcher(self._lane, self._query_rows)

    @property
    def spec(self) -> EncoderSpec:
        """What this encoder is, and why it has its precision."""
        return self._reader.spec

    @property
    def tokenizer(self) -> Tokenizer:
        """The encoder's own tokenizer, for counting."""
        return self._reader.tokenizer

    async def encode(self, texts: Sequence[str], kind: Kind) -> Vector:
        """Return one unit row per text, shape (n, h), fp32. Texts are cut at `spec.max_tokens`."""
        if not texts:
            return np.zeros((0, self.spec.dimension), np.float32)
        if kind == "query":
            return np.stack(list(await self._queries.submit(texts)))
        rows = np.empty((len(texts), self.spec.dimension), np.float32)

        def keep(batch: list[int], ids: Ids) -> None:
            rows[batch] = unit(self._reader.pooled(ids))

        await self._spread([one.ids for one in await self._cut(texts, kind)], keep)
        return rows

    async def encode_tokens(self, texts: Sequence[str], kind: Kind) -> list[Vector]:
        """Return per text the unit vectors of its tokens, shape (t, h), fp32.

        They are the model's last hidden states; its own special tokens are left out.
        """
        if not texts:
            return []
        cut = await self._cut(texts, kind)
        rows: dict[int, Vector] = {}

        def keep(batch: list[int], ids: Ids) -> None:
            states, there = self._reader.states(ids)
            for i, row, real in zip(batch, unit(states), there, strict=True):
                rows[i] = row[real][~np.array(cut[i].special, bool)]

        await self._spread([one.ids for one in cut], keep, urgent=True)
        return [rows[i] for i in range(len(texts))]

    def encode_now(
        self, texts: Sequence[str], kind: Kind = "document", *, urgent: bool = False
    ) -> Vector:
        """Return the same rows, blocking until they are there (benchmarks)."""
        rows = np.empty((len(texts), self.spec.dimension), np.float32)
        ids = [one.ids for one in self._reader.cut(texts, kind)]

        def keep(batch: list[int]) -> None:
            rows[batch] = unit(self._reader.pooled([ids[i] for i in batch]))

        self._crew.map(keep, self._batches(ids), urgent=urgent)
        return rows

    async def encode_parts(self, passages: Sequence[Sequence[str]]) -> list[Vector]:
        """Return unit rows per passage, shape (n, h): of all its parts but the first.

        What is beyond `spec.max_tokens` of a passage is cut, its first part first; a part of which
        nothing is left has the vector of the passage.

        Raises:
            BadSettings: the model takes no mean of its tokens.
        """
        made = await self._lane.run(self._parts, passages) if passages else []
        rows: dict[int, Vector] = {}

        def keep(batch: list[int], ids: Ids) -> None:
            states, there = self._reader.states(ids)  # (n, t, h), (n, t)
            for i, padded, real in zip(batch, states, there, strict=True):
                row = padded[real]
                rows[i] = unit(np.stack([row[start:end].mean(0) for start, end in made[i].spans]))

        await self._spread([one.ids for one in made], keep)
        return [rows[i] for i in range(len(passages))]

    def close(self) -> None:
        """End the encoder's threads."""
        self._lane.close()
        self._crew.close()

    async def _cut(self, texts: Sequence[str], kind: Kind) -> Sequence[Cut]:
        """Return the tokens of texts; tokenizers do one thing at a time, so it is on the lane."""
        return await self._lane.run(self._reader.cut, texts, kind)

    def _query_rows(self, texts: Sequence[str]) -> Sequence[Vector]:
        return list(self.encode_now(texts, "query", urgent=True))

    def _parts(self, passages: Sequence[Sequence[str]]) -> list[Parted]:
        if not self._means():
            raise BadSettings(
                f"index.late needs an encoder whose vectors are means of its tokens, which those "
                f"of {self.spec.name} are not: set index.late to false, or another encoder.model"
            )
        return [self._parted(passage) for passage in passages]

    def _parted(self, passage: Sequence[str]) -> Parted:
        (marked,) = self._reader.cut([""], "document")
        return parted(pieces(self._uncut, passage), marked, self.spec.max_tokens)

    def _means(self) -> bool:
        """Whether the model's vector is the mean of its tokens': asked of the model itself."""
        ids = [one.ids for one in self._reader.cut(PROBE_TEXTS[:2], "document")]
        states, there = self._reader.states(ids)
        means = [row[real].mean(0) for row, real in zip(states, there, strict=True)]
        return bool(np.allclose(unit(np.stack(means)), unit(self._reader.pooled(ids)), atol=0.05))

    async def _spread(self, ids: Ids, keep: Keep, *, urgent: bool = False) -> None:
        """Read the texts in batches of like length, side by side on the cores."""
        await self._crew.spread(
            lambda batch: keep(batch, [ids[i] for i in batch]), self._batches(ids), urgent=urgent
        )

    def _batches(self, ids: Ids) -> list[list[int]]:
        return batches([len(tokens) for tokens in ids], self._crew.size)


def _torch(model: str, precision: Precision, models: Path | None) -> Reader:
    del models
    if precision == "int8":
        raise BadSettings(
            "encoder.precision is int8, which torch does not compute: set encoder.runtime to onnx, "
            "or encoder.precision to auto, fp32 or bf16"
        )
    from indexers.encoders.torch_reader import TorchReader  # imports torch: seconds

    return TorchReader(model, precision)


def _onnx(model: str, precision: Precision, models: Path | None) -> Reader:
    if precision == "bf16":
        raise BadSettings(
            "encoder.precision is bf16, which is not exported: set it to auto, fp32 or int8, or "
            "encoder.runtime to torch"
        )
    if models is None:
        raise BadSettings("the runtime onnx needs a folder for exported models")
    from indexers.encoders.onnx.reader import open_reader

    return open_reader(model, precision, models)


_RUNTIMES: Mapping[Runtime, Callable[[str, Precision, Path | None], Reader]] = {
    "torch": _torch,
    "onnx": _onnx,
}
