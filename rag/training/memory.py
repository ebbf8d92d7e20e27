"""How much memory there is, and how a batch that does not fit is made in smaller parts."""

import gc
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

from rag.errors import OutOfMemory

T = TypeVar("T")

SHARE = 0.6  # chosen: of what is free, for what a pass keeps for its way back
_CGROUP = Path("/sys/fs/cgroup")
_MEMINFO = Path("/proc/meminfo")


def free_bytes(device: torch.device) -> int:
    """Return the memory that may still be taken: of the device, the machine, or its container."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    found = [n for n in (_container(), _machine()) if n is not None]
    return min(found, default=2**32)


def _machine() -> int | None:
    try:
        lines = _MEMINFO.read_text().splitlines()
    except OSError:  # no Linux
        return None
    kib = [int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    return kib[0] * 1024 if kib else None


def _container() -> int | None:
    try:
        most = int((_CGROUP / "memory.max").read_text())  # "max" is no limit
        return most - int((_CGROUP / "memory.current").read_text())
    except (OSError, ValueError):
        return None


def shrinking(step: Callable[[int], T], tokens: int, least: int = 1) -> tuple[T, int]:
    """Return what a step gives that may have so many tokens at a time, and how many it could have.

    Where memory does not suffice the step is made again with half as many; it must leave nothing
    behind when it fails.

    Raises:
        OutOfMemory: fewer than `least` would be left.
    """
    while True:
        try:
            return step(tokens), tokens
        except RuntimeError as error:
            if not _is_memory(error):
                raise
            said = str(error).splitlines()[0]
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if tokens // 2 < least:
            raise OutOfMemory(
                f"training does not fit the memory even one text at a time ({said}): shorten the "
                "texts with --passage-tokens, or set --lora"
            )
        tokens //= 2


def _is_memory(error: RuntimeError) -> bool:
    """Whether memory was wanting: CUDA has a class for it, the CPU's allocator a sentence."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
