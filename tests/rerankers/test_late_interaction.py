"""Every token of the query finds its best match, and nothing else counts."""

import asyncio

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexers.encoders.hashed import HashedEncoder
from rag.values import Vector
from rerankers.late_interaction import LateInteractionScorer, TokenEncoder, maxsim


def units(seed: int, count: int, dimension: int = 5) -> Vector:
    rows = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@given(st.integers(1, 6), st.lists(st.integers(0, 9), max_size=9), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_it_is_the_mean_of_the_largest_products(q: int, lengths: list[int], seed: int) -> None:
    query = units(seed, q)
    passages = [units(seed + i + 1, length) for i, length in enumerate(lengths)]
    expected = [
        sum(max(float(token @ other) for other in passage) for token in query) / q
        if len(passage)
        else -1.0
        for passage in passages
    ]
    assert maxsim(query, passages).tolist() == pytest.approx(expected, abs=1e-5)


def test_padding_does_not_beat_tokens_that_are_unlike_the_query() -> None:
    east = np.array([[1.0, 0.0]], np.float32)
    short = np.array([[-0.9, 0.0]], np.float32)
    long = np.array([[-0.2, 0.0], [-0.5, 0.0], [-0.9, 0.0]], np.float32)
    assert maxsim(east, [short, long]).tolist() == pytest.approx([-0.9, -0.2])


def test_what_stands_beside_a_passage_does_not_change_its_score() -> None:
    query, passages = units(0, 4), [units(i, i) for i in range(1, 8)]
    together = maxsim(query, passages)
    assert [maxsim(query, [p])[0] for p in passages] == pytest.approx(together, abs=1e-6)
    assert maxsim(query, passages[::-1]) == pytest.approx(together[::-1], abs=1e-6)


def test_nothing_to_compare_is_no_error() -> None:
    none = np.zeros((0, 5), np.float32)
    assert maxsim(units(0, 2), []).tolist() == []
    assert maxsim(none, [units(0, 2), none]).tolist() == [0, 0]
    assert maxsim(units(0, 2), [none, none]).tolist() == [-1, -1]


def score(query: str, *passages: str) -> tuple[float, ...]:
    return asyncio.run(LateInteractionScorer(HashedEncoder()).score(query, passages))


def test_the_hashed_encoder_can_tell_tokens_apart() -> None:
    assert isinstance(HashedEncoder(), TokenEncoder)


def test_a_passage_that_holds_every_word_of_the_query_scores_one() -> None:
    scores = score("cold freezer", "The freezer is cold.", "A cold day", "?", "lighthouse")
    assert scores[0] == pytest.approx(1)
    assert scores[0] > scores[1] > scores[3] > scores[2] == -1


def test_equal_texts_score_equal() -> None:
    scores = score("cold freezer", "a cold day", "water boils", "a cold day")
    assert scores[0] == scores[2]
    assert score("cold freezer") == ()
    assert score("?", "a", "b") == (0, 0)


@pytest.mark.model
def test_the_dense_encoder_prefers_what_answers() -> None:
    from indexers.encoders.dense import DenseEncoder

    encoder = DenseEncoder(precision="fp32")
    passages = ["The lighthouse was built in 1900.", "The freezer stays cold for nine hours."]
    scores = asyncio.run(
        LateInteractionScorer(encoder).score("How long does the freezer stay cold?", passages)
    )
    encoder.close()
    assert 1 > scores[1] > scores[0] > -1
