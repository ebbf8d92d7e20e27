"""The state of torch's random numbers, on the CPU and on every CUDA device."""

from dataclasses import dataclass

import torch

from rag.values import Frozen


@dataclass(frozen=True, slots=True, eq=False)
class RandomState(Frozen):
    """Where the random numbers are."""

    cpu: torch.Tensor
    cuda: tuple[torch.Tensor, ...]

    @staticmethod
    def now() -> "RandomState":
        """Return where they are."""
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        return RandomState(torch.get_rng_state(), tuple(cuda))

    def restore(self) -> None:
        """Put them back."""
        torch.set_rng_state(self.cpu)
        if self.cuda and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(list(self.cuda))
