"""What a folder with an exported encoder holds, and of which model. torch is not imported here."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from indexers.encoders.packaged import called, packaged_model
from rag.folders import MANIFEST, Part, cut, sha256
from rag.values import Frozen

TOKENIZER = "tokenizer.json"
EXACT = "exact.npy"  # the rows of the checked texts, by torch in fp32
GRAPHS = {"fp32": "fp32.onnx", "int8": "int8.onnx"}
WEIGHTS = "weights.data"  # of both graphs
IDS, MASK = "input_ids", "attention_mask"
POOLED, STATES = "pooled", "states"

_FORMAT = "1"  # another number has every encoder exported anew
_READ = {".json", ".txt", ".safetensors", ".bin", ".model", ".py", ".jinja"}
_OTHERS = {"onnx", "openvino"}  # folders of graphs that torch does not read


@dataclass(frozen=True, slots=True)
class Exported(Frozen):
    """The manifest: which encoder it is, how texts are padded, and its files.

    `source` is the hash of the files it was made of, `refused` says why there is no int8.
    """

    source: str
    name: str
    dimension: int
    fingerprint: str
    max_tokens: int
    prompts: dict[str, str]
    pad: int
    left: bool
    refused: str
    files: dict[str, Part]


def place(models: Path, model: str) -> Path:
    """Return where the export of a folder or hub name lies in the folder of models."""
    at = str(Path(model).resolve()) if Path(model).is_dir() else model
    key = hashlib.sha256(at.encode()).hexdigest()[:8]
    return models / f"{called(model)}-{key}-encoder-onnx"


def source(model: str) -> str:
    """Return a hash of the files that a model is read from, "" where they are not here yet."""
    folder = _folder(model)
    if folder is None:
        return ""
    digest = hashlib.sha256(_FORMAT.encode())
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder)
        hidden = any(part.startswith(".") or part in _OTHERS for part in path.parts)
        if not hidden and file.suffix in _READ and file.is_file():
            digest.update(f"{path} {sha256(file)}\n".encode())
    return digest.hexdigest()


def read(folder: Path) -> Exported | None:
    """Return the manifest of a folder whose files are all there, at their size, or None."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Exported)
    except (OSError, msgspec.DecodeError):
        return None
    return None if cut(folder, manifest.files) else manifest


def write(folder: Path, manifest: Exported) -> None:
    """Write the manifest of a folder, the last of its files."""
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))


def _folder(model: str) -> Path | None:
    """Return where a model's files lie, also of a hub name that was fetched before."""
    if not model:
        return packaged_model()
    if Path(model).exists():
        return Path(model)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    for name in (model, f"sentence-transformers/{model}"):  # as sentence-transformers looks
        try:
            return Path(snapshot_download(name, local_files_only=True))
        except (HFValidationError, LocalEntryNotFoundError):
            continue
    return None
