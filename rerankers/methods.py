"""The methods that ask a language model, by name: data, so that a new one is a row.

A method is a way of asking (FIRST, setwise, …) and a schedule: which passages are looked at
together, and when. Any schedule of a row goes with its way.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from rag.errors import BadSettings, RagError
from rag.flows import Flow
from rag.values import Frozen
from rerankers.acurank import acurank
from rerankers.aggregate import borda, strict
from rerankers.asking import Asker, Schedule, ranking, self_consistent
from rerankers.calibration import letter_prior
from rerankers.choices import Choices
from rerankers.demonstrations import Demonstration, hardest
from rerankers.first import First
from rerankers.listwise import Listwise
from rerankers.ordering import Ordering, Ranker
from rerankers.pairwise import llm_rankfusion, pairwise
from rerankers.pointwise import graded, query_likelihood, rating, yes_no
from rerankers.pool import POOL
from rerankers.recipes import CHAT, PLAIN, QWEN3_RERANKER
from rerankers.samples import PASSAGES, QUERIES
from rerankers.schedules import bubble, heap, single, sliding
from rerankers.setwise import Setwise, SetwiseWritten
from rerankers.sorting import PairSchedule, allpair, heapsort
from rerankers.sorting import sliding as sliding_pairs
from rerankers.tournaments import top_down, tourrank

CHUNK = 32  # chosen: passages judged one by one before the clock is looked at again

Begin: TypeAlias = Callable[[Choices, str, str, Sequence[str]], Ranker]
"""Begins a ranking: choices, schedule, query, passages."""

Way: TypeAlias = Callable[[Choices, str, Sequence[str], tuple[float, ...]], Asker]
"""Asks about windows of passages for a query, with a letter prior or ()."""


@dataclass(frozen=True, slots=True)
class Row(Frozen):
    """A method: how it begins, and its schedules, the first of which is the usual one.

    `together` passages stand in one prompt, at most; a reply has `written` tokens, at most.
    """

    begin: Begin
    schedules: tuple[str, ...] = ("",)
    together: Callable[[Choices], int] = lambda _: 1
    written: Callable[[Choices], int] = lambda _: 1

    def schedule(self, name: str) -> str:
        """Return the schedule of that name, the usual one where none is named.

        Raises:
            BadSettings: this method has none of that name.
        """
        if name and name not in self.schedules:
            known = ", ".join(filter(None, self.schedules)) or "only one"
            raise BadSettings(f"rerank.schedule is '{name}', but the method has {known}")
        return name or self.schedules[0]


WINDOWS: Mapping[str, Callable[[int, int, Choices], Schedule]] = {
    "sliding": lambda n, size, c: sliding(n, size, min(c.stride, size)),
    "single": lambda n, _size, _c: single(n),
    "tourrank": lambda n, _size, _c: tourrank(n),
    "top-down": lambda n, size, _c: top_down(n, size),
    "acurank": lambda n, size, c: acurank(n, size=size, k=c.top),
    "heap": lambda n, size, c: heap(n, size, c.top),
    "bubble": lambda n, size, c: bubble(n, size, c.top),
}
"""Schedules of windows: how many passages there are, the most in a window, choices."""

PAIRS: Mapping[str, Callable[[Choices], Callable[[int], PairSchedule]]] = {
    "sliding": lambda c: partial(sliding_pairs, k=c.top),
    "steps": lambda c: partial(sliding_pairs, k=c.top, wavefront=False),
    "heap": lambda c: partial(heapsort, k=c.top),
    "allpair": lambda _: allpair,
}
"""Schedules of pairs. "steps" is "sliding" without passes that overlap."""


def _first(c: Choices, query: str, passages: Sequence[str], prior: tuple[float, ...]) -> Asker:
    return First(query, passages, c.forced, c.window, prior)


def _listwise(c: Choices, query: str, passages: Sequence[str], _: tuple[float, ...]) -> Asker:
    return Listwise(query, passages, c.forced)


def _setwise(c: Choices, query: str, passages: Sequence[str], prior: tuple[float, ...]) -> Asker:
    if c.writes:
        return SetwiseWritten(query, passages, c.forced, c.together)
    return Setwise(query, passages, c.forced, c.together, prior)


def _windows(
    way: Way,
    size: Callable[[Choices], int],
    c: Choices,
    schedule: str,
    query: str,
    passages: Sequence[str],
) -> Ranker:
    """Rank by windows, each shown in as many orders as chosen."""
    n, prior = len(passages), tuple[float, ...]()
    if c.letter_prior and n > 1:
        try:
            prior = yield from _prior(way, c, min(size(c), n))
        except RagError:
            return Ordering(tuple(range(n)))
    asker = self_consistent(way(c, query, passages, prior), c.shuffles)
    return (yield from ranking(WINDOWS[schedule](n, size(c), c), asker))


def _prior(way: Way, c: Choices, size: int) -> Flow[tuple[float, ...]]:
    """Return the letter prior of windows of this size, measured once per model."""
    key = (way, size)
    if key not in c.learned.priors:
        askers = [way(c, query, PASSAGES, ()) for query in QUERIES]
        c.learned.priors[key] = yield from letter_prior(askers, size)
    return c.learned.priors[key]


def _pairs(c: Choices, schedule: str, query: str, passages: Sequence[str]) -> Ranker:
    """Rank by comparisons, with demonstrations as chosen."""
    try:
        shown = (yield from _demonstrations(c)) if len(passages) > 1 else ()
    except RagError:
        return Ordering(tuple(range(len(passages))))
    mode = "generation" if c.writes else "scoring"
    if schedule == "fusion":
        return (
            yield from llm_rankfusion(
                query,
                passages,
                lambda orders: borda([strict(order) for order in orders]),
                [PAIRS[name](c) for name in ("allpair", "sliding", "heap")],
                mode=mode,
                forced=c.forced,
                demonstrations=shown,
            )
        )
    return (
        yield from pairwise(
            query, passages, PAIRS[schedule](c), mode=mode, forced=c.forced, demonstrations=shown
        )
    )


def _demonstrations(c: Choices) -> Flow[tuple[Demonstration, ...]]:
    """Return the demonstrations that this model finds hardest, chosen once."""
    n = c.demonstrations
    if n not in c.learned.demonstrations:
        c.learned.demonstrations[n] = yield from hardest(POOL, n)
    return c.learned.demonstrations[n]


def _likelihood(c: Choices, _: str, query: str, passages: Sequence[str]) -> Ranker:
    # Without a chat template between them, the small model tells passages apart better
    # (docs/reranking.md).
    recipe = PLAIN if c.forced else CHAT
    return query_likelihood(query, passages, recipe, forced=c.forced, chunk=CHUNK)


def _yes_no(c: Choices, _: str, query: str, passages: Sequence[str]) -> Ranker:
    return yes_no(query, passages, forced=c.forced, chunk=CHUNK)


def _qwen3(c: Choices, _: str, query: str, passages: Sequence[str]) -> Ranker:
    return yes_no(query, passages, QWEN3_RERANKER, forced=c.forced, chunk=CHUNK)


def _graded(c: Choices, _: str, query: str, passages: Sequence[str]) -> Ranker:
    return graded(query, passages, forced=c.forced, chunk=CHUNK)


def _rating(c: Choices, _: str, query: str, passages: Sequence[str]) -> Ranker:
    return rating(query, passages, forced=c.forced, chunk=CHUNK)


def _window(c: Choices) -> int:
    return c.window


def _together(c: Choices) -> int:
    return c.together


_LISTS = ("sliding", "single", "tourrank", "top-down", "acurank")

METHODS: Mapping[str, Row] = {
    "first": Row(partial(_windows, _first, _window), _LISTS, _window),
    "listwise": Row(
        partial(_windows, _listwise, _window), _LISTS, _window, lambda c: 8 * c.window + 16
    ),
    "setwise": Row(
        partial(_windows, _setwise, _together),
        ("heap", "bubble", "sliding"),
        _together,
        lambda _: 8,
    ),
    "pairwise": Row(
        _pairs, ("sliding", "heap", "allpair", "fusion", "steps"), lambda _: 2, lambda _: 8
    ),
    "query-likelihood": Row(_likelihood),
    "yes-no": Row(_yes_no),
    "qwen3-reranker": Row(_qwen3),
    "graded": Row(_graded, written=lambda _: 8),
    "rating": Row(_rating),
}
"""Methods by the name that settings and commands use."""
