"""Decoding: one token after the other, several at a time where the text can be foreseen.

Answers quote their documents. Where the last tokens stand in what was read before, those that
followed them there are a draft, which the model reads in one pass and keeps as far as it would have
written the same (LLMA, arXiv 2304.04487; "prompt lookup"). Greedy output stays what it is: where
two tokens are within `MARGIN`, a pass over that one token decides, since a pass over many rounds
otherwise.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

Logits = npt.NDArray[np.float32]

# Tokens drafted at a time: the next size after a draft that was kept whole, else the first. A pass
# over 6 tokens takes 1.2 times as long as one over 1, over 11 1.5 times, over 16 1.7 times
# (`rag.llms.packing`); chosen on 50 texts, as was the length of the match.
DRAFTS = (5, 10, 15)
NGRAMS = (3, 2, 1)  # lengths of the match that a draft follows, the longest first
MARGIN = 1e-3  # logits, fp32


class Session(Protocol):
    """A model that remembers what it has read."""

    def feed(self, ids: Sequence[int], keep: int) -> Logits:
        """Read more tokens; return the logits after each of the last `keep`, shape (keep, v)."""
        ...

    def rewind(self, count: int) -> None:
        """Forget the last `count` tokens, at most once after a `feed`, and none from before it."""
        ...


class Texts(Protocol):
    """Texts that began alike and go on side by side: a pass reads one token of each."""

    def feed(self, ids: Sequence[int]) -> Logits:
        """Read the next token of each text; return the logits after each, shape (n, v)."""
        ...

    def keep(self, places: Sequence[int]) -> None:
        """Forget all texts but those at these places, which rise."""
        ...


class Branching(Session, Protocol):
    """A session from which several texts can go on, or with those of others."""

    def split(self, count: int) -> Texts:
        """Return so many texts that begin with what was read; the session itself is used up."""
        ...

    def join(self, others: Sequence[Self]) -> Texts:
        """Return what was read here and in the others as texts side by side; all are used up."""
        ...


@dataclass(slots=True)
class Tally:
    """What decoding took: tokens written, and passes of the model after the prompt's."""

    tokens: int = 0
    passes: int = 0


class Lookup:
    """Drafts what followed the last tokens when they stood in the text before; the latest place."""

    def __init__(self, ids: Sequence[int]) -> None:
        self._ids: list[int] = []
        self._places: dict[tuple[int, ...], tuple[int, int]] = {}  # the two latest, -1 for none
        self.extend(ids)

    def extend(self, ids: Sequence[int]) -> None:
        """Add tokens to the text."""
        for id_ in ids:
            self._ids.append(id_)
            for n in NGRAMS:
                if len(self._ids) >= n:
                    key = tuple(self._ids[-n:])
                    self._places[key] = (self._places.get(key, (-1, -1))[1], len(self._ids))

    def draft(self, count: int) -> list[int]:
        """Return at most `count` tokens that may come next, or none."""
        for n in NGRAMS:
            before = self._places.get(tuple(self._ids[-n:]), (-1, -1))[0]
            if before >= 0:
                return self._ids[before : before + count]
        return []


def greedy(
    session: Session,
    prompt: Sequence[int],
    most: int,
    stops: frozenset[int],
    tally: Tally,
    drafts: Sequence[int] = DRAFTS,
) -> Iterator[int]:
    """Yield the most likely token, again and again; a stop token ends it and is not yielded.

    Args:
        session: has read nothing yet.
        prompt: at least one token.
        most: tokens to yield at most.
        stops: tokens that end the text.
        tally: counts along.
        drafts: tokens to draft at a time, growing; none is plain decoding.
    """
    lookup = Lookup(prompt)
    size = 0
    id_ = int(session.feed(prompt, 1)[-1].argmax())
    while True:
        if id_ in stops or tally.tokens >= most:
            return
        lookup.extend([id_])
        tally.tokens += 1
        yield id_
        left = most - tally.tokens
        if not left:
            return
        draft = lookup.draft(min(drafts[size], left - 1)) if drafts else []
        tally.passes += 1
        logits = session.feed([id_, *draft], len(draft) + 1)
        kept = _kept(draft, logits)
        row = logits[kept]
        unsure = bool(draft) and is_close(row)
        session.rewind(len(draft) - kept + unsure)
        if draft:
            size = min(size + 1, len(drafts) - 1) if kept == len(draft) else 0
        for drafted in draft[:kept]:
            if drafted in stops:
                return
            lookup.extend([drafted])
            tally.tokens += 1
            yield drafted
        if unsure:  # decided as plain decoding would
            tally.passes += 1
            row = session.feed([id_, *draft][kept : kept + 1], 1)[-1]
        id_ = int(row.argmax())


def _kept(draft: Sequence[int], logits: Logits) -> int:
    """Return how many drafted tokens the model would surely have written itself."""
    for i, id_ in enumerate(draft):
        if int(logits[i].argmax()) != id_ or is_close(logits[i]):
            return i
    return len(draft)


def is_close(row: Logits) -> bool:
    """Whether another token comes so near the best that rounding may decide."""
    second, first = np.partition(row, -2)[-2:]
    return bool(first - second < MARGIN)


def sampled(
    session: Session,
    prompt: Sequence[int],
    most: int,
    stops: frozenset[int],
    tally: Tally,
    temperature: float,
    seed: int = 0,
) -> Iterator[int]:
    """Yield tokens drawn from the model's distribution; the same seed draws the same."""
    chance = np.random.default_rng(seed)
    logits = session.feed(prompt, 1)[-1]
    while tally.tokens < most:
        id_ = drawn(logits, temperature, chance)
        if id_ in stops:
            return
        tally.tokens += 1
        yield id_
        if tally.tokens < most:
            tally.passes += 1
            logits = session.feed([id_], 1)[-1]


def sampled_together(
    session: Branching,
    prompt: Sequence[int],
    most: int,
    stops: frozenset[int],
    tallies: Sequence[Tally],
    temperature: float,
    seeds: Sequence[int],
) -> Iterator[Mapping[int, int]]:
    """Yield, pass by pass, the next token of every text that goes on, by the place of its seed.

    The prompt is read once. Each text is the one that `sampled` draws with its seed, as far as the
    model computes alike for one row and for several.

    Args:
        session: has read nothing yet.
        prompt: at least one token.
        most: tokens of each text at most.
        stops: tokens that end a text.
        tallies: one per seed, counting along.
        temperature: above 0.
        seeds: one per text.
    """
    chances = [np.random.default_rng(seed) for seed in seeds]
    rows = np.repeat(session.feed(prompt, 1), len(seeds), axis=0)

    def next_id(i: int, row: Logits) -> int:
        return drawn(row, temperature, chances[i])

    yield from _side_by_side(
        rows, next_id, lambda places: session.split(len(places)), most, stops, tallies
    )


def greedy_together(
    sessions: Sequence[Branching],
    prompts: Sequence[Sequence[int]],
    most: int,
    stops: frozenset[int],
    tallies: Sequence[Tally],
    doubted: set[int],
) -> Iterator[Mapping[int, int]]:
    """Yield, pass by pass, the next token of every text that goes on, by the place of its prompt.

    Each text is the one that `greedy` writes, or its place is in `doubted`: where two tokens are
    within `MARGIN`, a pass over several rows cannot decide, and that text goes no further. Nothing
    is yielded after each prompt, so that others may have a turn.

    Args:
        sessions: one per prompt, which have read nothing yet.
        prompts: at least one token each.
        most: tokens of each text at most.
        stops: tokens that end a text.
        tallies: one per prompt, counting along.
        doubted: gets the places of texts that are to be written alone.
    """
    rows = []
    for session, prompt in zip(sessions, prompts, strict=True):
        rows.append(session.feed(prompt, 1)[-1])
        yield {}

    def next_id(i: int, row: Logits) -> int | None:
        if tallies[i].passes and is_close(row):
            doubted.add(i)
            return None
        return int(row.argmax())

    def joined(places: Sequence[int]) -> Texts:
        first, *others = (sessions[i] for i in places)
        return first.join(others)

    yield from _side_by_side(np.stack(rows), next_id, joined, most, stops, tallies)


def _side_by_side(
    rows: Logits,
    next_id: Callable[[int, Logits], int | None],
    start: Callable[[Sequence[int]], Texts],
    most: int,
    stops: frozenset[int],
    tallies: Sequence[Tally],
) -> Iterator[Mapping[int, int]]:
    """Yield the next tokens of texts by their places, beginning with the logits of each, (n, v).

    `next_id` chooses a text's token, or ends it by None; `start` puts the texts at these places
    side by side.
    """
    texts: Texts | None = None
    alive = list(range(len(rows)))
    for written in range(1, most + 1):
        found = {i: next_id(i, row) for i, row in zip(alive, rows, strict=True)}
        going = {i: id_ for i, id_ in found.items() if id_ is not None and id_ not in stops}
        if not going:
            return
        for i in going:
            tallies[i].tokens += 1
        yield going
        if written == most:
            return
        if texts is None:
            texts = start(list(going))
        elif len(going) < len(alive):
            texts.keep([place for place, i in enumerate(alive) if i in going])
        alive = list(going)
        for i in alive:
            tallies[i].passes += 1
        rows = texts.feed(list(going.values()))


def drawn(logits: npt.NDArray[np.floating], temperature: float, chance: np.random.Generator) -> int:
    """Return a token drawn from logits, or log-probabilities, at a temperature above 0."""
    weights = np.exp((logits - logits.max()) / temperature, dtype=np.float64)
    return int(chance.choice(len(weights), p=weights / math.fsum(weights)))
