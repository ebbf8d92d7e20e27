"""An exported encoder on ONNX Runtime. torch is not imported here, but to export."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from tokenizers import Tokenizer

from indexers.encoders.onnx import exported
from indexers.encoders.onnx.exported import EXACT, GRAPHS, IDS, MASK, POOLED, STATES, Exported
from indexers.encoders.probe import CHECKED_TEXTS, FLOORS, compare
from indexers.encoders.reading import Cut, Ids, Kind, Mask, Numbers, rows
from rag.errors import ModelUnavailable
from rag.graphs.running import cores, session
from rag.lanes import Crew
from rag.seams import EncoderSpec
from rag.values import Vector

Precision = Literal["auto", "fp32", "int8"]


class OnnxReader:
    """Reads with ONNX Runtime what `exporting.py` wrote. Use `open_reader`.

    Args:
        folder: the export.
        manifest: what it says of itself.
        precision: which of its graphs.

    Raises:
        ModelUnavailable: a file is damaged.
    """

    def __init__(self, folder: Path, manifest: Exported, precision: str) -> None:
        self._manifest = manifest
        self._session = session(folder / GRAPHS[precision], 1, _remedy(folder))
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / exported.TOKENIZER))
        except Exception as error:  # noqa: BLE001 - tokenizers raises nothing narrower
            raise _damaged(folder, f"{exported.TOKENIZER}: {error}") from None
        self._spec = EncoderSpec(
            manifest.name, manifest.dimension, manifest.fingerprint, manifest.max_tokens, precision
        )

    @property
    def spec(self) -> EncoderSpec:
        """What the encoder is, and why it has its precision."""
        return self._spec

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's own."""
        return self._tokenizer

    def crew(self) -> Crew:
        """Return a thread per core, each of which computes alone."""
        return Crew("batch", cores(), lambda: None)

    def cut(self, texts: Sequence[str], kind: Kind) -> list[Cut]:
        """Return the tokens of each text, with the model's own prompt for its kind."""
        prompt = self._manifest.prompts.get(kind, "")
        found = self._tokenizer.encode_batch([prompt + text for text in texts])
        return [Cut(tuple(one.ids), tuple(map(bool, one.special_tokens_mask))) for one in found]

    def pooled(self, ids: Ids) -> Vector:
        """Return the model's vector of each text, (n, h), of any length."""
        return self._run(POOLED, *self._padded(ids))

    def states(self, ids: Ids) -> tuple[Vector, Mask]:
        """Return the last hidden states, (n, t, h), and which of them are no padding, (n, t)."""
        padded, there = self._padded(ids)
        return self._run(STATES, padded, there), there

    def explained(self, why: str) -> "OnnxReader":
        """Return itself, its spec saying why it has its precision."""
        self._spec = replace(self._spec, why=why)
        return self

    def _run(self, output: str, ids: Numbers, there: Mask) -> Vector:
        feeds = {IDS: ids, MASK: there.astype(np.int64)}
        (found,) = self._session.run([output], feeds)
        vectors: Vector = found
        return vectors

    def _padded(self, ids: Ids) -> tuple[Numbers, Mask]:
        longest = max(map(len, ids))
        padded = np.full((len(ids), longest), self._manifest.pad, np.int64)  # (n, t)
        there = np.zeros(padded.shape, np.bool_)
        for row, real, tokens in zip(padded, there, ids, strict=True):
            at = slice(longest - len(tokens), None) if self._manifest.left else slice(len(tokens))
            row[at], real[at] = tokens, True
        return padded, there


def open_reader(model: str, precision: Precision, models: Path) -> OnnxReader:
    """Return a model on ONNX Runtime, exported where that has not been done or the model changed.

    Each time it is opened, what it says is compared with what torch said as it was exported. Where
    int8 differs too much on this CPU, fp32 is read instead.

    Args:
        model: a folder or hub name; empty means the packaged one.
        precision: "auto" is int8 where it is good enough.
        models: the folder of exported models.

    Raises:
        ModelUnavailable: it cannot be exported, or what was exported is damaged.
    """
    folder, manifest = _exported(model, models)
    exact = _exact(folder)
    whys = [manifest.refused] if manifest.refused and precision != "fp32" else []
    for one in ("fp32",) if precision == "fp32" or manifest.refused else ("int8", "fp32"):
        reader = OnnxReader(folder, manifest, one)
        agreement = compare(exact, rows(reader, CHECKED_TEXTS))
        if agreement.above(FLOORS[one]):
            return reader.explained("; ".join([*whys, str(agreement)]))
        whys.append(f"{one} differs too much: {agreement}")
    raise _damaged(folder, "; ".join(whys))


def _exported(model: str, models: Path) -> tuple[Path, Exported]:
    folder = exported.place(models, model)
    source, manifest = exported.source(model), exported.read(folder)
    if source and manifest and manifest.source == source:
        return folder, manifest
    try:
        from indexers.encoders.onnx.exporting import export
    except ImportError as error:
        raise ModelUnavailable(
            f"'{manifest.name if manifest else folder.name}' is not exported yet, which needs "
            f"{error.name}: export it where that is installed, and bring {models} along"
        ) from None
    return folder, export(model, folder)


def _exact(folder: Path) -> Vector:
    try:
        exact: Vector = np.load(folder / EXACT, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _damaged(folder, f"{EXACT}: {error}") from None
    return exact


def _damaged(folder: Path, what: str) -> ModelUnavailable:
    return ModelUnavailable(f"{folder} does not say what torch said ({what}). {_remedy(folder)}")


def _remedy(folder: Path) -> str:
    return f"Delete {folder}: it is written anew when the encoder is next opened"
