"""What Markdown reports have in common."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def inside(folder: Path, text: str) -> str:
    """Return a text that begins with a path of the folder without the folder's own path."""
    for root in (folder.absolute(), folder.resolve(), folder):
        text = text.removeprefix(f"{root}/")
    return text


def made_by(where: Mapping[str, Any]) -> str:
    """Return the line that says where figures come from (`eval.provenance`)."""
    machine = where["machine"]
    packages = ", ".join(f"{name} {value}" for name, value in where["versions"].items())
    return (
        f"Made by `{where['command']}` at commit `{where['commit'] or 'unknown'}`, "
        f"{where['time']}, on {machine['cores']} cores of {machine['cpu']}, "
        f"Python {machine['python']}, {packages}."
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table, the first column to the left, the others to the right.

    >>> table(["a", "b"], [["x", "1"]])
    ['| a | b |', '|---|---:|', '| x | 1 |']
    """
    rule = "|".join(["---", *["---:"] * (len(head) - 1)])
    return [
        "| " + " | ".join(head) + " |",
        f"|{rule}|",
        *("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows),
    ]
