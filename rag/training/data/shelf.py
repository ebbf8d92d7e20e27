"""What was made so far, one line per item: a run that was ended goes on where it was."""

import os
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from rag.errors import BadInput
from rag.showing import Show
from rag.values import Frozen

In = TypeVar("In")
Out = TypeVar("Out")

_FILE = "made.jsonl"


@dataclass(frozen=True, slots=True)
class Made(Frozen, Generic[Out]):
    """What became of an item: values, or none, and why."""

    values: tuple[Out, ...] = ()
    why: str = ""


class Shelf(Generic[Out]):
    """Keeps what became of each item in a folder, until the whole is there.

    Args:
        folder: of the run under way.
        recipe: a digest of what decides the result.
        kind: of what is made.

    Raises:
        BadInput: the folder holds a run of another recipe, or lines that cannot be read.
    """

    def __init__(self, folder: Path, recipe: str, kind: type[Out]) -> None:
        self._file = folder / _FILE
        self._kind = kind
        self._made: dict[str, Made[Out]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        if self._file.is_file():
            self._read(recipe)
        else:
            self._append({"recipe": recipe})

    def __contains__(self, id_: str) -> bool:
        return id_ in self._made

    def keep(self, id_: str, made: Made[Out]) -> None:
        """Keep what became of an item, for good."""
        values = msgspec.to_builtins(made.values)
        self._append({"id": id_, "values": values, "why": made.why})
        self._made[id_] = made

    def every(self, ids: Iterable[str]) -> tuple[list[Out], dict[str, int]]:
        """Return what was made of items, in their order, and how many there were of each fate."""
        values: list[Out] = []
        counts = {"items": 0, "made": 0}
        for id_ in ids:
            one = self._made[id_]
            values += one.values
            counts["items"] += 1
            counts["made"] += len(one.values)
            if one.why:
                counts[one.why] = counts.get(one.why, 0) + 1
        return values, counts

    def _read(self, recipe: str) -> None:
        whole = self._file.read_bytes()
        end = whole.rfind(b"\n") + 1
        if end < len(whole):  # the last line of a killed run: its item is made anew
            with self._file.open("r+b") as opened:
                opened.truncate(end)
        first, *lines = whole[:end].splitlines() or [b"{}"]
        if _decoded(first, self._file, 1).get("recipe") != recipe:
            raise BadInput(
                f"{self._file.parent} holds a run with other sources or options: give those again, "
                "or another --out, or delete it to start anew"
            )
        for number, line in enumerate(lines, start=2):
            found = _decoded(line, self._file, number)
            values = msgspec.convert(found["values"], tuple[self._kind, ...])  # type: ignore[name-defined]
            self._made[found["id"]] = Made(values, found["why"])

    def _append(self, line: dict[str, Any]) -> None:
        with self._file.open("ab") as opened:
            opened.write(msgspec.json.encode(line) + b"\n")
            opened.flush()
            os.fsync(opened.fileno())


def _decoded(line: bytes, file: Path, number: int) -> dict[str, Any]:
    try:
        found: dict[str, Any] = msgspec.json.decode(line, type=dict)
    except msgspec.DecodeError as error:
        raise BadInput(f"{file}:{number}: {error}: delete {file.parent} to start anew") from None
    return found


async def build(
    items: Sequence[tuple[str, In]],
    make: Callable[[In], Coroutine[Any, Any, Made[Out]]],
    shelf: Shelf[Out],
    show: Show,
) -> tuple[list[Out], dict[str, int]]:
    """Make something of every item that was not made yet; return all, and their fates.

    Args:
        items: each with its id.
        make: says what becomes of one; the same whenever it is asked.
        shelf: keeps it.
        show: is told how far it is.
    """
    for done, (id_, item) in enumerate(items):
        show("make", done, len(items))
        if id_ not in shelf:
            shelf.keep(id_, await make(item))
    show("make", len(items), len(items))
    return shelf.every([id_ for id_, _ in items])
