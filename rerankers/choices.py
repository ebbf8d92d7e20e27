"""What can be chosen about the methods, and what is learnt about a model once."""

from collections.abc import Hashable
from dataclasses import dataclass, field

from rag.values import Frozen
from rerankers.demonstrations import Demonstration


class Learned:
    """What was measured of one model, so that it is not measured again."""

    def __init__(self) -> None:
        self.priors: dict[Hashable, tuple[float, ...]] = {}
        self.demonstrations: dict[int, tuple[Demonstration, ...]] = {}


@dataclass(frozen=True, slots=True)
class Choices(Frozen):
    """What can be chosen; a method takes what concerns it.

    Args:
        window: passages in a prompt of first and listwise.
        stride: how far a sliding window moves.
        top: how many of the best must be right.
        together: passages in a prompt of setwise.
        writes: whether the model writes its answer instead of being read.
        shuffles: orders in which a window is shown.
        letter_prior: whether the model's liking for letters is taken out.
        merge: how several orders of the same passages become one, a name of `methods.MERGES`.
        demonstrations: examples before a pairwise question.
        forced: whether the model's turn can be begun for it.
        learned: of the model that is asked.
    """

    window: int = 20
    stride: int = 10
    top: int = 10
    together: int = 4
    writes: bool = False
    shuffles: int = 1
    letter_prior: bool = False
    merge: str = "borda"
    demonstrations: int = 0
    forced: bool = True
    learned: Learned = field(default_factory=Learned, compare=False)
