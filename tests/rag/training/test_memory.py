"""Batches that do not fit are made smaller; gradients of parts are those of the whole."""

from collections.abc import Sequence

import pytest
import torch

from rag.errors import OutOfMemory
from rag.training.memory import free_bytes, shrinking
from rag.training.passes import sent_back
from rag.training.random_state import RandomState


def test_a_step_that_does_not_fit_is_made_with_half_as_much() -> None:
    tried: list[int] = []

    def step(tokens: int) -> str:
        tried.append(tokens)
        if tokens > 300:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried …")
        return "done"

    assert shrinking(step, 1_000) == ("done", 250)
    assert tried == [1_000, 500, 250]


def test_cuda_says_so_in_a_class_of_its_own() -> None:
    def step(tokens: int) -> int:
        if tokens > 5:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return tokens

    assert shrinking(step, 10) == (5, 5)


def test_where_nothing_fits_the_error_says_what_helps() -> None:
    def step(_tokens: int) -> None:
        raise RuntimeError("[enforce fail] can't allocate memory")

    with pytest.raises(OutOfMemory, match="--passage-tokens"):
        shrinking(step, 8, least=2)


def test_another_error_is_not_taken_for_a_want_of_memory() -> None:
    def step(_tokens: int) -> None:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        shrinking(step, 8)


def test_there_is_memory() -> None:
    assert 2**20 < free_bytes(torch.device("cpu")) < 2**50


def test_parts_give_the_gradient_of_the_whole_dropout_included() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Dropout(0.5)).double()
    x = torch.randn(6, 3, dtype=torch.float64)

    def read(part: torch.Tensor) -> list[torch.Tensor]:
        return list(layer(part).unbind())

    def loss(rows: Sequence[torch.Tensor]) -> torch.Tensor:
        together = torch.stack(list(rows))
        return (together @ together.T).logsumexp(1).sum()

    start = RandomState.now()
    in_parts = sent_back([x[:2], x[2:5], x[5:]], read, loss)
    grads = [p.grad.clone() for p in layer.parameters() if p.grad is not None]
    layer.zero_grad()
    start.restore()
    # The same masks, drawn part by part, in one graph:
    whole = loss([row for part in (x[:2], x[2:5], x[5:]) for row in read(part)])
    whole.backward()  # type: ignore[no-untyped-call]
    assert in_parts == pytest.approx(float(whole.detach()))
    for grad, parameter in zip(grads, layer.parameters(), strict=True):
        assert parameter.grad is not None
        assert torch.allclose(grad, parameter.grad)
    assert any(grad.abs().max() > 0 for grad in grads)


def test_a_loss_without_a_gradient_teaches_nothing_in_parts_either() -> None:
    layer = torch.nn.Linear(1, 1)
    parts = [torch.ones(1, 1), torch.ones(1, 1)]
    value = sent_back(parts, lambda part: [layer(part)], lambda _rows: torch.tensor(0.0))
    assert value == 0.0
    assert layer.weight.grad is None
