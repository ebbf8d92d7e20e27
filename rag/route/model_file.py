"""The router's model as a TOML file that people can read.

Numbers are written so that the very same are read back.
"""

import math
import tomllib
from datetime import date
from pathlib import Path
from typing import Literal

import msgspec

from rag.errors import BadInput, BadSettings
from rag.route.classifier import Classifier
from rag.route.fitting import NAME
from rag.route.routes import KINDS, Kind

_REMEDY = "train the router again: firstcite route train"
_HEAD = """\
# The router's model: how likely a question needs no search (A), one (B) or several steps (C).
# P(kind) = softmax of bias + sum of weight * (feature - mean) / scale.
"""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """The file as it stands; a feature's table has its mean, its scale, and a weight per kind."""

    format: Literal[1]
    kind: Literal["classifier"]
    trained: date
    l2: float
    counts: dict[Kind, int]
    bias: dict[Kind, float]
    features: dict[str, dict[str, float]]
    accuracy: float | None = None
    fusion: str = ""


def write(classifier: Classifier, path: Path) -> None:
    """Write the model to a file, over one that is there.

    Raises:
        BadInput: the file cannot be written.
    """
    lines = ["format = 1", 'kind = "classifier"', f"trained = {classifier.trained.isoformat()}"]
    if classifier.fusion:
        lines.append(f'fusion = "{classifier.fusion}"  # whose scores it knows')
    if classifier.accuracy is not None:
        lines.append(f"accuracy = {classifier.accuracy!r}  # share of right routes, held out")
    lines += [f"l2 = {classifier.l2!r}", "", "[counts]  # examples"]
    lines += [f"{kind} = {count}" for kind, count in classifier.counts.items()]
    biases = zip(classifier.kinds, classifier.biases, strict=True)
    lines += ["", "[bias]", *(f"{kind} = {bias!r}" for kind, bias in biases), "", "[features]"]
    for i, name in enumerate(classifier.features):
        weights = zip(classifier.kinds, classifier.weights, strict=True)
        lines += ["", f"[features.{name}]"]
        lines += [f"mean = {classifier.means[i]!r}", f"scale = {classifier.scales[i]!r}"]
        lines += [f"{kind} = {row[i]!r}" for kind, row in weights]
    try:
        path.write_text(_HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}: name a file that can be written") from None


def read(path: Path) -> Classifier:
    """Return the model of a file.

    Raises:
        BadSettings: the file is missing, is no such model, or is damaged.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        file = msgspec.convert(tables, _File)
    except OSError as error:
        raise BadSettings(f"{path}: {error.strerror}: {_REMEDY}") from None
    except (ValueError, OverflowError, RecursionError) as error:  # of TOML, UTF-8 and msgspec
        raise BadSettings(f"{path} is no model of the router: {error}: {_REMEDY}") from None
    fault = _fault(file)
    if fault:
        raise BadSettings(f"{path} is damaged: {fault}: {_REMEDY}")
    return _model(file)


def _fault(file: _File) -> str:
    """Return what is wrong with a file, "" where nothing is."""
    wanted = {"mean", "scale", *file.bias}
    for name, table in file.features.items():
        if not NAME.fullmatch(name):
            return f"'{name}' is no name of a feature"
        if table.keys() != wanted:
            return f"features.{name} must have {', '.join(sorted(wanted))}"
        if not all(map(math.isfinite, table.values())):
            return f"features.{name} has a number that is not finite"
        if table["scale"] <= 0:
            return f"features.{name}.scale is {table['scale']}, not above 0"
    faults = {
        "bias and counts must be of the same kinds, two at least": (
            file.bias.keys() != file.counts.keys() or len(file.bias) < 2
        ),
        "a bias is not finite": not all(map(math.isfinite, file.bias.values())),
        "a count is below 0": min(file.counts.values(), default=0) < 0,
        "l2 is not above 0": not 0 < file.l2 < math.inf,
        "fusion is no name of a fusion": not NAME.fullmatch(file.fusion or "none"),
        "accuracy is not between 0 and 1": not 0 <= (file.accuracy or 0.0) <= 1,
    }
    return next((fault for fault, there in faults.items() if there), "")


def _model(file: _File) -> Classifier:
    kinds = tuple(kind for kind in KINDS if kind in file.bias)
    tables = file.features.values()
    return Classifier(
        features=tuple(file.features),
        means=tuple(table["mean"] for table in tables),
        scales=tuple(table["scale"] for table in tables),
        kinds=kinds,
        weights=tuple(tuple(table[kind] for table in tables) for kind in kinds),
        biases=tuple(file.bias[kind] for kind in kinds),
        counts={kind: file.counts[kind] for kind in kinds},
        l2=file.l2,
        trained=file.trained,
        accuracy=file.accuracy,
        fusion=file.fusion,
    )
