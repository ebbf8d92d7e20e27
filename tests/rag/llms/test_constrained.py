"""One of given texts is written: the one that greedy decoding over their prefix tree reaches."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.llms.constrained import begun, fork, narrowed
from rag.llms.decoding import Logits, Tally
from tests.rag.llms.test_decoding import STOP, STOPS, Chain

Ids = tuple[int, ...]

# Few tokens, so that texts begin alike, and some are the beginning of others; 9 is the stop.
texts = st.lists(
    st.lists(st.integers(0, 2), min_size=1, max_size=7).map(tuple),
    min_size=1,
    max_size=9,
    unique=True,
)


def walked(seed: int, prompt: list[int], given: Sequence[Ids], stops: frozenset[int]) -> Ids:
    """Go down the tree token by token, a pass for each."""
    chain = Chain(seed)
    row = chain.feed(prompt, 1)[-1]
    written: Ids = ()
    while True:
        alive = [text for text in given if text[: len(written)] == written]
        ways = {text[len(written)] for text in alive if text != written}
        if not ways:
            return written
        allowed = sorted(ways | (stops if written in alive else frozenset()))
        id_ = allowed[int(row[allowed].argmax())]
        if id_ in stops:
            return written
        written = (*written, id_)
        row = chain.feed([id_], 1)[-1]


@given(st.integers(0, 99), texts, st.sampled_from([STOPS, frozenset({3, STOP}), frozenset()]))
def test_it_is_the_text_that_a_pass_for_every_token_reaches(
    seed: int, given: list[Ids], stops: frozenset[int]
) -> None:
    tally = Tally()
    steps = list(narrowed(Chain(seed), [4, 5], given, stops, tally))
    (last,) = steps[-1]
    assert given[last] == walked(seed, [4, 5], given, stops)
    assert tally.tokens == len(given[last])
    assert all(set(less) < set(more) for more, less in pairwise(steps))
    assert steps[0] == tuple(range(len(given)))
    assert tally.passes <= len(steps)


def test_a_pass_is_made_where_the_tree_branches_and_reads_all_before() -> None:
    given = [
        (1, 2, 3, 4, 5),
        (1, 2, 3, 6, 7, 8, 1),
        (1, 2, 3, 6, 7, 8, 2),
        (1, 2, 3, 6, 7, 8, 2, 2),
    ]
    found = [narrowed(Chain(seed), [5, 5], given, frozenset(), Tally()) for seed in range(50)]
    deep = next(seed for seed, steps in enumerate(found) if list(steps)[-1] == (3,))
    chain, tally = Chain(deep), Tally()
    list(narrowed(chain, [5, 5], given, frozenset(), tally))
    assert chain.fed == [2 + 3, 3]  # the end of no turn is waited for: a stop there is none
    assert tally == Tally(tokens=8, passes=1)


def test_a_single_text_needs_no_model() -> None:
    chain, tally = Chain(0), Tally()
    assert list(narrowed(chain, [1], [(4, 5, 6)], STOPS, tally)) == [(0,)]
    assert chain.fed == []
    assert tally == Tally(tokens=3, passes=0)


@pytest.mark.parametrize(("ends", "text"), [(3.0, 1), (-3.0, 0)])
def test_the_beginning_of_another_text_ends_where_the_model_ends_its_turn(
    ends: float, text: int
) -> None:
    class Ending(Chain):
        def feed(self, ids: Sequence[int], keep: int) -> Logits:
            self.read.extend(ids)
            row = np.zeros(10, np.float32)
            row[STOP], row[7] = ends, 9.0  # 7 is likeliest, and never allowed
            return np.tile(row, (keep, 1))

    given = [(1, 2, 3), (1, 2)]
    assert list(narrowed(Ending(0), [0], given, STOPS, Tally()))[-1] == (text,)
    assert list(narrowed(Ending(0), [0], given, frozenset(), Tally()))[-1] == (0,)


def test_a_near_tie_after_several_tokens_is_decided_by_a_pass_over_the_last() -> None:
    class Wavering(Chain):
        """Rounds a pass over several tokens otherwise than one over a single token."""

        def feed(self, ids: Sequence[int], keep: int) -> Logits:
            self.fed.append(len(ids))
            self.read.extend(ids)
            row = np.zeros(10, np.float32)
            row[2] = 1e-5 if len(ids) == 1 else -1e-5
            return np.tile(row, (keep, 1))

    session, tally = Wavering(0), Tally()
    given = [(3, 3, 1), (3, 3, 2)]
    assert list(narrowed(session, [0, 0], given, STOPS, tally))[-1] == (1,)
    assert session.fed == [4, 1]
    assert session.read == [0, 0, 3, 3]
    assert tally.passes == 1
    at_once = Wavering(0)
    assert list(narrowed(at_once, [0, 0], [(1,), (2,)], STOPS, Tally()))[-1] == (0,)
    assert at_once.fed == [2]


@given(texts)
def test_a_fork_holds_every_text_once(given: list[Ids]) -> None:
    found = fork(given, range(len(given)), 0)
    places = sorted([*found.ended, *(place for way in found.ways.values() for place in way)])
    assert places == list(range(len(given)))
    for id_, way in found.ways.items():
        assert all(given[place][: len(found.run) + 1] == (*found.run, id_) for place in way)
    assert all(given[place] == found.run for place in found.ended)


@given(st.lists(st.text("ab", max_size=5), min_size=1))
def test_what_all_texts_begin_with_is_the_longest_such(given: list[str]) -> None:
    found = begun(given)
    assert all(text.startswith(found) for text in given)
    longer = {text[: len(found) + 1] for text in given}
    assert len(longer) > 1 or found in given
