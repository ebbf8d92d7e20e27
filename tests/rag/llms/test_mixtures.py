"""A mixture of prompts is one of probabilities, and each prompt's share is its posterior."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.llms.decoding import Logits, Tally, greedy
from rag.llms.mixtures import Drawn, joint, mixed
from tests.rag.llms.test_decoding import STOP, STOPS, Chain, Split

weights = st.floats(1e-6, 1e6)


def write(
    seeds: Sequence[int],
    prompts: Sequence[list[int]],
    given: Sequence[float],
    most: int = 12,
    temperature: float = 0.0,
    seed: int = 0,
) -> tuple[list[Drawn], Tally]:
    sessions = [Split(one) for one in seeds]
    rows = [session.feed(ids, 1) for session, ids in zip(sessions, prompts, strict=True)]
    tally = Tally()
    drawing = (most, STOPS, tally, temperature, seed)
    return list(mixed(sessions, np.concatenate(rows), given, *drawing)), tally


def softmax(row: Logits) -> np.ndarray:
    exact = np.exp(row.astype(np.float64))
    return np.asarray(exact / exact.sum())


@given(st.integers(0, 50), st.lists(st.integers(0, 9), min_size=1, max_size=9), weights)
def test_a_mixture_of_one_prompt_is_greedy_decoding(
    seed: int, prompt: list[int], weight: float
) -> None:
    plain = Tally()
    text = list(greedy(Chain(seed), prompt, 12, STOPS, plain, drafts=()))
    found, tally = write([seed], [prompt], [weight])
    assert [one.id for one in found] == text
    assert all(one.shares == pytest.approx((1.0,)) for one in found)
    assert tally == plain


@given(st.integers(0, 50), st.integers(0, 12))
def test_a_prompt_mixed_with_itself_writes_what_it_writes_alone(seed: int, most: int) -> None:
    text = list(greedy(Chain(seed), [1, 2], most, STOPS, Tally(), drafts=()))
    found, tally = write([seed, seed], [[1, 2], [1, 2]], [3.0, 3.0], most)
    assert [one.id for one in found] == text
    assert all(one.shares == pytest.approx((0.5, 0.5)) for one in found)
    assert tally.tokens == len(text) <= most


@given(st.lists(st.tuples(st.integers(0, 50), weights), min_size=1, max_size=5))
def test_every_token_is_the_likeliest_of_the_mixture_and_the_shares_are_the_posterior(
    given: list[tuple[int, float]],
) -> None:
    prompts = [[1] * (i + 1) for i in range(len(given))]
    found, _ = write([seed for seed, _ in given], prompts, [weight for _, weight in given])
    chains = [Chain(seed) for seed, _ in given]
    rows = [chain.feed(ids, 1)[-1] for chain, ids in zip(chains, prompts, strict=True)]
    for one in [*found, None]:
        parts = np.array([w * softmax(row) for (_, w), row in zip(given, rows, strict=True)])
        total = parts.sum(axis=0)
        if one is None:
            assert len(found) == 12 or total[STOP] == pytest.approx(total.max())
            break
        assert total[one.id] == pytest.approx(total.max())
        assert one.shares == pytest.approx(parts[:, one.id] / total[one.id])
        assert sum(one.shares) == pytest.approx(1)
        rows = [chain.feed([one.id], 1)[-1] for chain in chains]


def test_probabilities_are_mixed_and_not_logits() -> None:
    rows = np.log(np.array([[0.9, 0.0999, 0.0001], [0.0001, 0.4, 0.5999]], np.float32))
    mixture = np.exp(joint(rows, (1, 1))).sum(axis=0)
    assert mixture == pytest.approx([0.45005, 0.24995, 0.3], abs=1e-6)
    assert int(mixture.argmax()) == 0
    assert int(rows.mean(axis=0).argmax()) == 1  # a product of experts


@given(st.lists(weights, min_size=2, max_size=4), st.floats(-500, 500), st.floats(1e-3, 1e3))
def test_what_logits_and_weights_are_off_by_changes_nothing(
    given: list[float], shift: float, scale: float
) -> None:
    rows = np.random.default_rng(1).normal(size=(len(given), 7), scale=30).astype(np.float32)
    found = joint(rows, given)
    assert np.exp(found).sum() == pytest.approx(1)
    assert joint(rows + np.float32(shift), [scale * one for one in given]) == pytest.approx(
        found, abs=1e-3
    )


def test_above_temperature_0_the_seed_decides_and_shares_stay_those_of_the_mixture() -> None:
    def draw(seed: int, temperature: float = 1.0) -> list[Drawn]:
        return write([3, 4], [[1], [1, 1]], (1, 2), 12, temperature, seed)[0]

    assert draw(1) == draw(1)
    assert len({tuple(one.id for one in draw(seed)) for seed in range(9)}) > 1
    assert draw(1, 1e-4) == write([3, 4], [[1], [1, 1]], (1, 2))[0]
    rows = np.concatenate([Chain(3).feed([1], 1), Chain(4).feed([1, 1], 1)])
    parts = np.exp(joint(rows, (1, 2)))
    first = next(one for one in map(draw, range(99)) if one)[0]
    assert first.shares == pytest.approx(parts[:, first.id] / parts[:, first.id].sum())


def test_tokens_are_drawn_as_often_as_the_mixture_says() -> None:
    rows = np.log(np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]], np.float32))
    drawn = [
        next(mixed([], rows, (1, 3), 1, frozenset(), Tally(), 1.0, seed)).id
        for seed in range(2_000)
    ]
    found = np.bincount(drawn, minlength=3) / len(drawn)
    assert found == pytest.approx([0.2, 0.15, 0.65], abs=0.03)
