"""What the cores of this CPU can do, and threads that use one each."""

import torch

from rag.lanes import Crew


def native_bf16() -> bool:
    """Whether the CPU multiplies bf16 in hardware (AVX512-BF16, AMX, or Arm's)."""
    features = torch.cpu.get_capabilities()
    return any(features.get(name) for name in ("avx512_bf16", "amx_bf16", "arm_bf16", "bf16"))


def one_per_core() -> Crew:
    """Return a thread per core of torch's, each of which computes alone."""
    cores = torch.get_num_threads()

    def alone() -> None:
        torch.get_num_threads()  # a thread's first question sets it to the default of all threads
        torch.set_num_threads(1)

    crew = Crew("batch", cores, alone)
    torch.set_num_threads(cores)  # the 1 has become that default, too
    return crew
