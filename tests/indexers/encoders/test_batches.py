"""Batches are full, of like length, and shared out between the cores."""

from hypothesis import given, settings
from hypothesis import strategies as st

from indexers.encoders.batches import BATCH_TOKENS, LEAST_TOKENS, batches


@given(st.lists(st.integers(0, BATCH_TOKENS + 500), max_size=80))
@settings(max_examples=100, deadline=None)
def test_batches_hold_every_text_once_within_the_budget(lengths: list[int]) -> None:
    made = batches(lengths, cores=2)
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    assert [i for batch in made for i in batch] == order
    for batch in made:
        longest = max(lengths[i] for i in batch)
        assert len(batch) == 1 or len(batch) * longest <= BATCH_TOKENS


def test_batches_are_as_full_as_the_budget_allows() -> None:
    lengths = [BATCH_TOKENS // 2] * 3 + [BATCH_TOKENS // 4] * 4
    assert batches(lengths, cores=1) == [[0, 1], [2, 3], [4, 5, 6]]
    assert batches([], cores=1) == []


def test_a_few_texts_are_shared_out_between_the_cores() -> None:
    lengths = [LEAST_TOKENS] * 4
    assert batches(lengths, cores=2) == [[0, 1], [2, 3]]
    assert batches(lengths, cores=64) == [[0], [1], [2], [3]]
    assert batches([LEAST_TOKENS // 4] * 4, cores=2) == [[0, 1, 2, 3]]
