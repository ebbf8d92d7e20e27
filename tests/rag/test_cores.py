"""What the process asks of the machine: threads and memory."""

import ctypes
import os
import subprocess
import sys

import pytest

from rag.graphs.running import cores

GLIBC = hasattr(ctypes.CDLL(None), "gnu_get_libc_version")

# Two processes, for what glibc was asked once changes what it does later; torch is imported once.
LAYERS = """
import os
import resource
import statistics
import torch
from rag.cores import one_per_core

def faults():
    rounds = []
    for _ in range(9):  # the first settle what lies where, and a later one may grow the heap again
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for row in range(2, 11, 4):
            layer = [torch.zeros(row * 2**18) for _ in range(10)]  # up to 10 MiB each
            del layer
        rounds.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    return statistics.median(rounds)

if os.fork():
    os.wait()
    one_per_core()
print(faults(), flush=True)
"""


@pytest.mark.skipif(not GLIBC, reason="only glibc can be told to keep what was freed")
def test_a_layers_memory_is_taken_from_the_kernel_once() -> None:
    """A page is faulted in once, not again for every layer of every pass."""
    done = subprocess.run(
        [sys.executable, "-c", LAYERS], check=True, capture_output=True, text=True
    )
    asked, kept = map(int, done.stdout.split())
    assert kept < 100 < asked


def test_a_process_that_is_told_so_computes_on_fewer_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert cores() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "4096")
    assert cores() == len(os.sched_getaffinity(0))
