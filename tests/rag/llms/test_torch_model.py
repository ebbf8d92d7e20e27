"""Reading in batches with shared beginnings says what reading each row alone and whole says."""

import random
from itertools import product

import numpy as np
import pytest
import torch

from rag.llms.batching import Row
from rag.llms.reading import LogProbs
from rag.llms.torch_model import TorchModel
from tests.rag.llms.tiny import Architecture, model

pytestmark = pytest.mark.model

ARCHITECTURES: tuple[Architecture, ...] = ("llama", "qwen", "gpt2")


def by_hand(architecture: Architecture, row: Row) -> LogProbs:
    """Read one row alone: all logits, no cache, no padding."""
    with torch.inference_mode():
        logits = model(architecture)(input_ids=torch.tensor([row.ids])).logits[0].double()
    table = torch.log_softmax(logits, dim=-1).numpy()
    start = len(row.ids) - len(row.wanted)
    return np.array([table[start + i, list(ids)] for i, ids in enumerate(row.wanted)], np.float32)


def rows(seed: int, count: int = 40) -> list[Row]:
    """Return rows of mixed lengths, most with one of two long beginnings in common."""
    chance = random.Random(seed)  # noqa: S311 - no secret

    def draw(count: int) -> tuple[int, ...]:
        return tuple(chance.randrange(1_200) for _ in range(count))

    beginnings = [(), draw(50), draw(90)]
    beginnings.append((*beginnings[1], *draw(40)))
    made = []
    for _ in range(count):
        ids = (*chance.choice(beginnings), *draw(chance.randrange(3, 60)))
        wanted = tuple(draw(3) for _ in range(chance.choice([1, 1, 2, 3])))
        made.append(Row(ids, wanted))
    return made


@pytest.mark.parametrize(("architecture", "reuse"), list(product(ARCHITECTURES, (True, False))))
def test_a_batch_says_what_every_row_says_alone(architecture: Architecture, reuse: bool) -> None:
    asked = rows(seed=1)
    found = TorchModel(model(architecture), reuse=reuse).read(asked)
    for row, mine in zip(asked, found, strict=True):
        assert mine.shape == (len(row.wanted), 3)
        assert np.abs(mine - by_hand(architecture, row)).max() <= 1e-4


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_is_kept_between_calls_changes_nothing(architecture: Architecture) -> None:
    reader = TorchModel(model(architecture))
    for seed in (1, 2, 1, 3):
        for row in rows(seed, count=7):
            (alone,) = reader.read([row])
            assert np.abs(alone - by_hand(architecture, row)).max() <= 1e-4
        asked = rows(seed)
        for row, mine in zip(asked, reader.read(asked), strict=True):
            assert np.abs(mine - by_hand(architecture, row)).max() <= 1e-4


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_no_ids_ask_for_the_whole_vocabulary(architecture: Architecture) -> None:
    asked = [Row(row.ids, ((),) * len(row.wanted)) for row in rows(seed=4, count=9)]
    for row, mine in zip(asked, TorchModel(model(architecture)).read(asked), strict=True):
        whole = Row(row.ids, (tuple(range(1_200)),) * len(row.wanted))
        assert np.abs(mine - by_hand(architecture, whole)).max() <= 1e-4


def test_nothing_to_read_is_nothing_said() -> None:
    assert TorchModel(model()).read([]) == []


def test_a_shared_beginning_is_read_once() -> None:
    seen: list[int] = []
    tiny = model()
    hook = tiny.get_input_embeddings().register_forward_hook(
        lambda _module, inputs, _output: seen.append(inputs[0].numel())
    )
    try:
        beginning = tuple(range(100, 300))
        TorchModel(tiny).read([Row((*beginning, i), ((1, 2),)) for i in range(50)])
    finally:
        hook.remove()
    assert sum(seen) == 200 + 50


def test_a_beginning_that_is_kept_is_there_even_when_a_new_one_takes_its_place() -> None:
    """Eight are kept; computing what two new ones share pushes the oldest out."""
    whole = TorchModel(model("llama"), reuse=False)
    reader = TorchModel(model("llama"))

    def rows(*beginning: int) -> list[Row]:
        return [Row((*beginning, i), ((5, 6),)) for i in (1, 2, 3)]

    old = [rows(*range(start, start + 40)) for start in range(100, 900, 100)]
    for asked in old:
        reader.read(asked)
    shared = range(900, 940)
    both = [*old[0], *rows(*shared, *range(20, 60)), *rows(*shared, *range(60, 99))]
    for mine, theirs in zip(reader.read(both), whole.read(both), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-4)
