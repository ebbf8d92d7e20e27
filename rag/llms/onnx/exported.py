"""What a folder with an exported model holds, and whether it is what was written."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from rag.errors import ModelUnavailable
from rag.folders import MANIFEST, Part, cut, sha256
from rag.llms.embedded import NAME
from rag.values import Frozen

Precision = Literal["fp32", "int8", "int4"]

PRECISIONS: tuple[Precision, ...] = ("fp32", "int8", "int4")
EMBEDDED = "embedded"  # what commands call the packaged model
GRAPH = "model.onnx"
WEIGHTS = "model.onnx.data"


@dataclass(frozen=True, slots=True)
class Agreement(Frozen):
    """How an exported model reads the probe prompts, against the same model on torch in fp32.

    `worst` and `rms` are differences of the labels' log-probabilities.
    """

    probes: int
    agreeing: int
    worst: float
    rms: float

    @property
    def share(self) -> float:
        """The share of probes whose most likely label is the same."""
        return self.agreeing / self.probes

    def __str__(self) -> str:
        return (
            f"{self.agreeing} of {self.probes} probes agree with fp32 ({self.share:.1%}), "
            f"log-probabilities differ by {self.rms:.2g}, {self.worst:.2g} at most"
        )


@dataclass(frozen=True, slots=True)
class Exported(Frozen):
    """The manifest: which model it is, how it was verified, and its files.

    `unpacked` weights are few bytes on disk, and fp32 from the moment they are loaded.
    """

    name: str
    family: str
    context_window: int
    vocabulary: int
    stops: tuple[int, ...]
    precision: Precision
    unpacked: bool
    agreement: Agreement
    files: dict[str, Part]


def why(manifest: Exported) -> str:
    """Return what verification found, and how the weights are held."""
    return f"{manifest.agreement}{'; unpacked to fp32 as it loads' if manifest.unpacked else ''}"


def called(name: str) -> str:
    """Return what a model is called: the last part of a folder or hub name.

    >>> called("Qwen/Qwen3-0.6B"), called("embedded"), called("")
    ('Qwen3-0.6B', 'SmolLM2-135M-Instruct', 'SmolLM2-135M-Instruct')
    """
    return NAME if name in {"", EMBEDDED} else Path(name).resolve().name


def place(models: Path, name: str, precision: Precision) -> Path:
    """Return where an exported model lies in the folder of models."""
    return models / f"{name}-onnx-{precision}"


def write(folder: Path, manifest: Exported) -> None:
    """Write the manifest of a folder, the last of its files."""
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))


def read(folder: Path) -> Exported:
    """Return the manifest of a folder whose files are all there, at their size.

    Raises:
        ModelUnavailable: there is no manifest, or a file is missing or cut.
    """
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Exported)
    except (OSError, msgspec.DecodeError):
        raise ModelUnavailable(
            f"{folder} holds no exported model: firstcite models export NAME writes one"
        ) from None
    broken = cut(folder, manifest.files)
    if broken:
        raise damaged(broken)
    return manifest


def check(folder: Path) -> Exported:
    """Return the manifest of a folder after reading all of its files.

    Raises:
        ModelUnavailable: it is not there, or not what was written.
    """
    manifest = read(folder)
    for name, part in manifest.files.items():
        if sha256(folder / name) != part.sha256:
            raise damaged(folder / name)
    return manifest


def damaged(file: Path) -> ModelUnavailable:
    """Return the error of a file that is not what was written."""
    return ModelUnavailable(
        f"{file} is damaged: delete {file.parent}, then firstcite models export NAME again"
    )
