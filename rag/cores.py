"""What the cores of this CPU can do, threads that use one each, and the memory they compute in."""

import ctypes

import torch

from rag.lanes import Crew

KEPT_BYTES = 2**28  # chosen: more than what a layer takes; what is freed above it goes back

_TRIM, _MMAP = -1, -3  # names of glibc's mallopt
_MAPPED_BYTES = 2**25  # the largest that glibc accepts


def native_bf16() -> bool:
    """Whether the CPU multiplies bf16 in hardware (AVX512-BF16, AMX, or Arm's)."""
    features = torch.cpu.get_capabilities()
    return any(features.get(name) for name in ("avx512_bf16", "amx_bf16", "arm_bf16", "bf16"))


def one_per_core() -> Crew:
    """Return a thread per core of torch's, each of which computes alone.

    From then on the process keeps the memory that a layer frees for the next layer.
    """
    keep_freed()
    cores = torch.get_num_threads()

    def alone() -> None:
        torch.get_num_threads()  # a thread's first question sets it to the default of all threads
        torch.set_num_threads(1)

    crew = Crew("batch", cores, alone)
    torch.set_num_threads(cores)  # the 1 has become that default, too
    return crew


def keep_freed() -> None:
    """Let glibc keep `KEPT_BYTES` of freed memory; another C library is left as it is.

    torch takes every result of a layer from `malloc` and frees it at once. Megabytes of that go
    back to the kernel, which has to find and clear the same pages again for the next layer: a
    quarter of the time of a row of 650 tokens through SmolLM2-135M on a virtual machine.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "gnu_get_libc_version"):
        libc.mallopt(_MMAP, _MAPPED_BYTES)
        libc.mallopt(_TRIM, KEPT_BYTES)
