"""What the process asks of the machine: threads and memory."""

import ctypes
import subprocess
import sys

import pytest

GLIBC = hasattr(ctypes.CDLL(None), "gnu_get_libc_version")

LAYERS = """
import resource
import statistics
import torch
{first}
rounds = []
for _ in range(9):  # the first settle what lies where, and a later one may grow the heap once more
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for row in range(1, 11):
        layer = [torch.zeros(row * 2**18) for _ in range(10)]  # up to 10 MiB each
        del layer
    rounds.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(statistics.median(rounds))
"""


@pytest.mark.skipif(not GLIBC, reason="only glibc can be told to keep what was freed")
def test_a_layers_memory_is_taken_from_the_kernel_once() -> None:
    """A page is faulted in once, not again for every layer of every pass."""
    keeping = "from rag.cores import one_per_core\none_per_core()"
    asked, kept = (
        int(
            subprocess.run(
                [sys.executable, "-c", LAYERS.format(first=first)],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
        for first in ("", keeping)
    )
    assert kept < 100 < asked
