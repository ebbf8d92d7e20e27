"""A calibration as a TOML file that people can read.

Numbers are written so that the very same are read back.
"""

import math
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from rag.abstain import FEATURES, Calibration
from rag.errors import BadInput, BadSettings
from rag.logistic import Logistic, Term

_REMEDY = "calibrate again: firstcite calibrate"
_HEAD = """\
# When to answer: how likely what was found answers a question.
# P = 1 / (1 + e^-z), z = bias + sum of weight * (feature - mean) / scale.
"""

_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class _Term(msgspec.Struct, forbid_unknown_fields=True):
    weight: float
    mean: float
    scale: Annotated[float, msgspec.Meta(gt=0)]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """The file as it stands."""

    format: Literal[1]
    kind: Literal["calibration"]
    made: date
    encoder: str
    threshold: _Share
    bias: float
    counts: dict[str, int]
    held_out: dict[str, _Share]
    features: dict[str, _Term]


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write a calibration to a file, over one that is there.

    Raises:
        BadInput: the file cannot be written.
    """
    encoder = msgspec.json.encode(calibration.encoder).decode()  # a JSON string is one of TOML, too
    lines = ["format = 1", 'kind = "calibration"', f"made = {calibration.made.isoformat()}"]
    lines += [f"encoder = {encoder}  # whose cosines it knows"]
    lines += [f"threshold = {calibration.threshold!r}  # the least probability that is answered"]
    lines += [f"bias = {calibration.model.bias!r}", "", "[counts]  # questions"]
    lines += [f"{kind} = {count}" for kind, count in calibration.counts.items()]
    lines += ["", "[held_out]  # shares answered of the answerable (right) and others (wrong)"]
    lines += [f"{name} = {value!r}" for name, value in calibration.held_out.items()]
    for name, term in calibration.model.terms.items():
        lines += ["", f"[features.{name}]  # {FEATURES.get(name, '')}"]
        lines += [f"weight = {term.weight!r}", f"mean = {term.mean!r}", f"scale = {term.scale!r}"]
    try:
        path.write_text(_HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}: name a file that can be written") from None


def read_calibration(path: Path, encoder: str) -> Calibration:
    """Return the calibration of a file.

    Raises:
        BadSettings: the file is missing, damaged, or made with another encoder or version.
    """
    try:
        file = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8-sig")), _File)
    except OSError as error:
        raise BadSettings(f"{path}: {error.strerror}: {_REMEDY}") from None
    except (ValueError, OverflowError, RecursionError) as error:  # of TOML, UTF-8 and msgspec
        raise BadSettings(f"{path} is no calibration: {error}: {_REMEDY}") from None
    fault = _fault(file, encoder)
    if fault:
        raise BadSettings(f"{path}: {fault}: {_REMEDY}")
    terms = {name: Term(t.weight, t.mean, t.scale) for name, t in file.features.items()}
    model = Logistic(file.bias, terms)
    return Calibration(model, file.threshold, file.encoder, file.made, file.counts, file.held_out)


def _fault(file: _File, encoder: str) -> str:
    """Return what is wrong with a file, "" where nothing is."""
    unknown = sorted(file.features.keys() - FEATURES.keys())
    numbers = [file.bias, *(n for t in file.features.values() for n in (t.weight, t.mean, t.scale))]
    faults = {
        f"it was made with the encoder {file.encoder}, not with {encoder}": file.encoder != encoder,
        f"this version counts no feature {unknown}": unknown,
        "a number is not finite": not all(map(math.isfinite, numbers)),
    }
    return next((fault for fault, there in faults.items() if there), "")
