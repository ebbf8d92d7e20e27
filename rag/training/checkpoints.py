"""What was learnt so far, kept so that a killed run goes on where it was: whole or not at all."""

import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from rag.errors import BadInput
from rag.training.random_state import RandomState
from rag.values import Frozen

_FILE = "checkpoint.pt"


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint(Frozen):
    """What a run needs to go on: after so many updates, what is trained, and what was seen.

    `best` is what was trained when the look was best, None where it is no other than `trained`.
    """

    update: int
    recipe: str
    trained: dict[str, torch.Tensor]
    optimizer: dict[str, Any]
    random: RandomState
    history: dict[str, Any] = field(default_factory=dict)
    best: dict[str, torch.Tensor] | None = None


def keep(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint in place of the one before."""
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / f"{_FILE}.new"
    found = _fields(checkpoint)
    found["random"] = asdict(checkpoint.random)
    with scratch.open("wb") as opened:
        torch.save(found, opened)
        opened.flush()
        os.fsync(opened.fileno())
    scratch.replace(folder / _FILE)


def recall(folder: Path, recipe: str) -> Checkpoint | None:
    """Return the checkpoint of a folder, None where there is none.

    Raises:
        BadInput: it is of another recipe, or cannot be read.
    """
    file = folder / _FILE
    if not file.is_file():
        return None
    try:
        found = torch.load(file, weights_only=True)
        random = RandomState(found["random"]["cpu"], tuple(found["random"]["cuda"]))
        checkpoint = Checkpoint(**{**found, "random": random})
    except Exception:  # noqa: BLE001 - whatever a damaged file makes of torch.load
        raise BadInput(f"{file} is damaged: delete {folder} to start anew") from None
    if checkpoint.recipe != recipe:
        raise BadInput(
            f"{folder} holds a run with other data or options: give those again, or another --out, "
            "or delete it to start anew"
        )
    return checkpoint


def forget(folder: Path) -> None:
    """Remove the checkpoint of a run that has ended, and its folder where nothing else is in it."""
    (folder / _FILE).unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


def _fields(value: Checkpoint) -> dict[str, Any]:
    """Return what a checkpoint holds by name; tensors are not copied."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
