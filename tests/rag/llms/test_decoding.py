"""Drafting changes how fast a text is written, never what is written."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.llms.decoding import (
    Logits,
    Lookup,
    Tally,
    greedy,
    greedy_together,
    sampled,
    sampled_together,
)

STOP = 9
STOPS = frozenset({STOP})


class Chain:
    """A session whose next token is a fixed function of the last `order` ones."""

    def __init__(self, seed: int, order: int = 2, vocabulary: int = 10) -> None:
        self.read: list[int] = []
        self.fed: list[int] = []
        self._seed, self._order, self._vocabulary = seed, order, vocabulary

    def feed(self, ids: Sequence[int], keep: int) -> Logits:
        self.fed.append(len(ids))
        rows = []
        for id_ in ids:
            self.read.append(id_)
            state = [self._seed, *self.read[-self._order :]]
            rows.append(np.random.default_rng(state).normal(size=self._vocabulary))
        return np.array(rows[-keep:], np.float32)

    def rewind(self, count: int) -> None:
        assert 0 <= count < len(self.read)
        del self.read[len(self.read) - count :]


@given(
    st.integers(0, 50),
    st.lists(st.integers(0, 9), min_size=1, max_size=40),
    st.integers(0, 60),
    st.lists(st.integers(1, 12), min_size=1, max_size=3),
)
def test_drafting_writes_what_plain_decoding_writes(
    seed: int, prompt: list[int], most: int, drafts: list[int]
) -> None:
    plain, fast = Tally(), Tally()
    slow = list(greedy(Chain(seed), prompt, most, STOPS, plain, drafts=()))
    assert list(greedy(Chain(seed), prompt, most, STOPS, fast, drafts)) == slow
    assert len(slow) == plain.tokens == fast.tokens <= most
    assert STOP not in slow


def test_a_text_that_repeats_takes_fewer_passes() -> None:
    class Counter(Chain):
        def feed(self, ids: Sequence[int], keep: int) -> Logits:
            self.read.extend(ids)
            return np.eye(8, dtype=np.float32)[[(id_ + 1) % 8 for id_ in ids]][-keep:] * 5

    tally = Tally()
    text = list(greedy(Counter(0), [0, 1, 2, 3, 4, 5, 6, 7, 0], 40, frozenset(), tally))
    assert text == [(i + 1) % 8 for i in range(40)]
    assert tally.passes <= 40 / 8


def test_an_answer_that_quotes_its_passages_takes_a_pass_for_many_tokens() -> None:
    passages = [int(one) for one in np.random.default_rng(1).permutation(90)]
    following = dict(pairwise([*passages, passages[0]]))

    class Quoting(Chain):
        """Goes on as the passages do."""

        def feed(self, ids: Sequence[int], keep: int) -> Logits:
            self.read.extend(ids)
            return np.eye(90, dtype=np.float32)[[following[id_] for id_ in ids]][-keep:] * 5

    question = passages[30:32]  # asks for what begins so
    fast, slow = Tally(), Tally()
    ids, ends = [*passages, *question], frozenset({91})
    plain = list(greedy(Quoting(0), ids, 40, ends, slow, drafts=()))
    assert list(greedy(Quoting(0), ids, 40, ends, fast)) == plain
    assert plain == passages[32:72]
    assert fast.passes <= 5 < slow.passes == 39


def test_drafts_grow_while_they_are_right_and_start_anew_when_one_is_not() -> None:
    class Cycle(Chain):
        """Counts to 40, but says 7 where 20 should come."""

        def feed(self, ids: Sequence[int], keep: int) -> Logits:
            self.fed.append(len(ids))
            self.read.extend(ids)
            return np.eye(40, dtype=np.float32)[[after(id_) for id_ in ids]][-keep:] * 5

    def after(id_: int) -> int:
        return 7 if id_ == 19 else (id_ + 1) % 40

    cycle = Cycle(0)
    list(greedy(cycle, [*range(40), 0], 40, frozenset(), Tally(), (3, 7, 15)))
    assert cycle.fed[1:6] == [4, 8, 16, 4, 8]


def test_a_choice_that_is_nearly_a_tie_is_made_by_a_pass_of_its_own() -> None:
    class Wavering(Chain):
        """Rounds a pass over several tokens otherwise than one over a single token."""

        def feed(self, ids: Sequence[int], keep: int) -> Logits:
            self.read.extend(ids)
            rows = np.zeros((len(ids), 4), np.float32)
            rows[:, 1] = 1.0
            rows[:, 2] = 1.0 + (1e-5 if len(ids) == 1 else -1e-5)
            return rows[-keep:]

    prompt = [1, 1, 1, 1]
    plain = list(greedy(Wavering(0), prompt, 8, frozenset(), Tally(), drafts=()))
    assert list(greedy(Wavering(0), prompt, 8, frozenset(), Tally())) == plain == [1, *[2] * 7]


def test_the_latest_place_is_taken_and_not_the_end_itself() -> None:
    assert Lookup([1, 2, 3, 4, 1, 2, 5, 6, 1, 2]).draft(2) == [5, 6]
    assert Lookup([1, 2, 3]).draft(5) == []
    assert Lookup([]).draft(5) == []


@given(st.lists(st.integers(0, 4)), st.lists(st.integers(0, 4)), st.integers(0, 8))
def test_a_draft_stands_in_the_text_after_its_end(
    first: list[int], more: list[int], count: int
) -> None:
    lookup = Lookup(first)
    lookup.extend(more)
    text, draft = [*first, *more], lookup.draft(count)
    assert len(draft) <= count
    pattern = [*text[-1:], *draft]
    if draft:
        places = (text[i : i + len(pattern)] for i in range(len(text)))
        assert pattern in places


@pytest.mark.parametrize("temperature", [0.3, 1.0])
def test_sampling_draws_the_same_with_the_same_seed(temperature: float) -> None:
    def draw(seed: int) -> list[int]:
        return list(sampled(Chain(1), [1, 2], 30, frozenset(), Tally(), temperature, seed))

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)
    assert len(draw(1)) == 30


def test_sampling_at_a_low_temperature_is_greedy() -> None:
    plain = list(greedy(Chain(3), [1, 2], 20, STOPS, Tally(), drafts=()))
    assert list(sampled(Chain(3), [1, 2], 20, STOPS, Tally(), 1e-3)) == plain


class Split(Chain):
    """A session from which several texts can go on; each is a chain of its own."""

    def split(self, count: int) -> "Chains":
        return Chains([self.copy() for _ in range(count)])

    def join(self, others: Sequence["Split"]) -> "Chains":
        return Chains([self, *others])

    def copy(self) -> "Split":
        other = Split(self._seed, self._order, self._vocabulary)
        other.read = list(self.read)
        return other


class Chains:
    def __init__(self, chains: list[Split]) -> None:
        self.chains = chains
        self.fed: list[int] = []

    def feed(self, ids: Sequence[int]) -> Logits:
        assert len(ids) == len(self.chains)
        self.fed.append(len(ids))
        return np.concatenate([c.feed([i], 1) for c, i in zip(self.chains, ids, strict=True)])

    def keep(self, places: Sequence[int]) -> None:
        assert list(places) == sorted(set(places))
        self.chains = [self.chains[place] for place in places]


@given(
    st.integers(0, 50),
    st.lists(st.integers(0, 9), min_size=1, max_size=10),
    st.integers(0, 20),
    st.lists(st.integers(0, 1_000), min_size=1, max_size=6),
)
def test_texts_side_by_side_are_those_drawn_one_by_one(
    seed: int, prompt: list[int], most: int, seeds: list[int]
) -> None:
    tallies = [Tally() for _ in seeds]
    texts: list[list[int]] = [[] for _ in seeds]
    for drawn in sampled_together(Split(seed), prompt, most, STOPS, tallies, 1.0, seeds):
        for i, id_ in drawn.items():
            texts[i].append(id_)
    for text, tally, one in zip(texts, tallies, seeds, strict=True):
        alone = Tally()
        assert text == list(sampled(Chain(seed), prompt, most, STOPS, alone, 1.0, one))
        assert tally == alone


class Close(Split):
    """Two tokens are as likely as each other after one in so many."""

    def feed(self, ids: Sequence[int], keep: int) -> Logits:
        rows = super().feed(ids, keep)
        for row in rows:
            if row[0] > 0.5:
                row[np.argsort(row)[-2]] = row.max() - 1e-4
        return rows


@given(
    st.integers(0, 50),
    st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=10), min_size=1, max_size=6),
    st.integers(0, 20),
)
def test_likeliest_texts_side_by_side_are_those_written_alone(
    seed: int, prompts: list[list[int]], most: int
) -> None:
    for kind in (Split, Close):
        tallies, doubted = [Tally() for _ in prompts], set[int]()
        texts: list[list[int]] = [[] for _ in prompts]
        sessions = [kind(seed) for _ in prompts]
        passes = greedy_together(sessions, prompts, most, STOPS, tallies, doubted)
        for written in passes:
            for i, id_ in written.items():
                texts[i].append(id_)
        for i, prompt in enumerate(prompts):
            plain = Tally()
            alone = list(greedy(kind(seed), prompt, most, STOPS, plain, drafts=()))
            if i in doubted:
                assert texts[i] == alone[: len(texts[i])]  # up to where it cannot be decided
            else:
                assert texts[i] == alone
                assert tallies[i] == plain
