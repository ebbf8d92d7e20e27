"""The gradient of a loss over more than fits the memory: twice through the model, part by part."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from rag.training.objectives import check_finite
from rag.training.random_state import RandomState

Part = TypeVar("Part")


def sent_back(
    parts: Sequence[Part],
    read: Callable[[Part], Sequence[Tensor]],
    loss: Callable[[Sequence[Tensor]], Tensor],
) -> float:
    """Send the gradient of a loss back to what made its tensors; return the loss.

    One part goes through the model once. Several are read without gradient first; what the loss
    says of each tensor is then sent back part by part, each read again with the same random
    numbers (Gao et al., "GradCache", arXiv 2101.06983). The gradient is the same.

    Args:
        parts: what goes through the model together.
        read: gives the tensors of a part, always as many.
        loss: takes the tensors of all parts, in order, and returns a number, ().

    Raises:
        BadInput: the loss is no number.
    """
    if len(parts) == 1:
        return _through(loss(list(read(parts[0]))))
    states: list[RandomState] = []
    counts: list[int] = []
    leaves: list[Tensor] = []
    with torch.no_grad():
        for part in parts:
            states.append(RandomState.now())
            found = read(part)
            counts.append(len(found))
            leaves += [one.detach().requires_grad_() for one in found]
    value = _through(loss(leaves))
    known = iter(leaves)
    for part, state in zip(parts, states, strict=True):
        state.restore()
        pairs = [(tensor, next(known).grad) for tensor in read(part)]
        sent = [(tensor, grad) for tensor, grad in pairs if grad is not None]
        if sent:
            torch.autograd.backward([t for t, _ in sent], [g for _, g in sent])
    return value


def _through(loss: Tensor) -> float:
    check_finite(loss)
    if loss.requires_grad:  # without a pair, or a relevant one, there is nothing to learn
        loss.backward()  # type: ignore[no-untyped-call]
    return float(loss.detach())
