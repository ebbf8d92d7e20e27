"""What is known of an encoder without opening it: most runs of an index encode nothing.

Opening one takes seconds (torch, the probe, a hash of the weights). What it was the last time is
kept in the cache folder, under a name made of its settings, of the libraries' versions, and of the
size and time of each of its files; so another model is another name.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec
from tokenizers import Tokenizer

from indexers.encoders.reading import Kind
from rag.errors import ModelUnavailable
from rag.lanes import Lane
from rag.seams import Encoder, EncoderSpec
from rag.values import Frozen, Vector

_LIBRARIES = ("torch", "sentence-transformers", "transformers", "tokenizers", "onnxruntime")


@runtime_checkable
class Cutting(Encoder, Protocol):
    """An encoder whose tokenizer can be had, for counting."""

    @property
    def tokenizer(self) -> Tokenizer:
        """The encoder's own."""
        ...


@dataclass(frozen=True, slots=True)
class Known(Frozen):
    """What an encoder is, and its tokenizer as JSON."""

    spec: EncoderSpec
    tokenizer: str


class OnDemand:
    """An encoder that is opened when it is first asked to encode.

    Args:
        known: what it was when it was last opened.
        opening: opens it, which takes seconds.
        forget: is called when it is no longer what it was.
    """

    def __init__(
        self, known: Known, opening: Callable[[], Cutting], forget: Callable[[], None]
    ) -> None:
        self._known, self._opening, self._forget = known, opening, forget
        self._tokenizer = Tokenizer.from_str(known.tokenizer)
        self._opened: Cutting | None = None
        self._once = asyncio.Lock()

    @property
    def spec(self) -> EncoderSpec:
        """What the encoder was when it was last opened."""
        return self._known.spec

    @property
    def tokenizer(self) -> Tokenizer:
        """The encoder's own."""
        return self._tokenizer

    async def encode(self, texts: Sequence[str], kind: Kind) -> Vector:
        """Return one unit row per text, shape (n, h).

        Raises:
            ModelUnavailable: the model cannot be opened, or is another one by now.
        """
        return await (await self._open()).encode(texts, kind)

    async def _open(self) -> Cutting:
        async with self._once:
            if self._opened is None:
                lane = Lane("opening")
                opened = await lane.run(self._opening)
                lane.close()
                if opened.spec.fingerprint != self.spec.fingerprint:
                    self._forget()
                    raise ModelUnavailable(
                        f"the encoder {self.spec.name} is no longer what it was when it was last "
                        "opened: run it again"
                    )
                self._opened = opened
            return self._opened


def name_of(model: Path, *settings: str) -> str:
    """Return the name under which a model's folder is known with these settings."""
    told = [str(model.resolve()), *settings, *map(_version, _LIBRARIES)]
    for file in sorted(path for path in model.rglob("*") if path.is_file()):
        stat = file.stat()
        told.append(f"{file.relative_to(model)} {stat.st_size} {stat.st_mtime_ns}")
    return hashlib.sha256(repr(told).encode()).hexdigest()[:32]


def recall(file: Path) -> Known | None:
    """Return what is known, or None where nothing is, or nothing that can be read."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Known)
    except (OSError, msgspec.DecodeError):
        return None


def remember(file: Path, encoder: Cutting) -> None:
    """Keep what an encoder is; a folder that cannot be written is no matter."""
    known = Known(encoder.spec, encoder.tokenizer.to_str())
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        scratch = file.with_suffix(".new")
        scratch.write_bytes(msgspec.json.encode(known))
        scratch.replace(file)
    except OSError:
        return


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
