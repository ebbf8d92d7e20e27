"""Telling how far something is."""

from collections.abc import Callable
from typing import TypeAlias

Show: TypeAlias = Callable[[str, int, int], None]
"""Takes a stage, how much of it is done, and the total, 0 where that is not known."""


def silent(_stage: str, _done: int, _total: int) -> None:
    """Tell nobody."""
