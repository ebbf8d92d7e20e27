"""The methods that ask a language model, by name: data, so that a new one is a row.

A method is a way of asking (FIRST, setwise, …) and a schedule: which passages are looked at
together, and when. Any schedule of a row goes with its way.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from rag.errors import BadSettings, RagError
from rag.flows import USUAL, Budget, Flow
from rag.seams import LLM
from rag.values import Frozen
from rerankers.acurank import acurank
from rerankers.aggregate import borda, kemeny, rrf, strict
from rerankers.asking import Asker, Schedule, ranking, self_consistent
from rerankers.calibration import letter_prior
from rerankers.choices import Choices
from rerankers.comparing import Mode
from rerankers.demonstrations import Demonstration, hardest
from rerankers.first import First
from rerankers.listwise import Listwise
from rerankers.ordering import Levels, Ordering, Ranker, Window
from rerankers.pairwise import llm_rankfusion, pairwise
from rerankers.pointwise import graded, query_likelihood, rating, yes_no
from rerankers.pool import POOL
from rerankers.recipes import CHAT, PLAIN, QWEN3_RERANKER
from rerankers.reranker import PASSAGE_TOKENS, Asking
from rerankers.samples import PASSAGES, QUERIES
from rerankers.schedules import bubble, head, heap, single, sliding
from rerankers.setwise import Setwise, SetwiseWritten
from rerankers.sorting import PairSchedule, allpair, heapsort
from rerankers.sorting import sliding as sliding_pairs
from rerankers.tournaments import top_down, tourrank

CHUNK = 32  # chosen: passages judged one by one before the clock is looked at again

Begin: TypeAlias = Callable[[Choices, str, str, Sequence[str]], Ranker]
"""Begins a ranking: choices, schedule, query, passages."""

Prior = tuple[float, ...]
Ask: TypeAlias = Callable[[Choices, int, str, Sequence[str], Prior], Asker]
"""Makes an asker: choices, the most passages of a window, query, passages, letter prior or ()."""


@dataclass(frozen=True, slots=True)
class Way(Frozen):
    """A way of asking about windows, and whether it reads letters, which have a prior."""

    ask: Ask
    reads: Callable[[Choices], bool]


@dataclass(frozen=True, slots=True)
class Row(Frozen):
    """A method: how it begins, and its schedules, the first of which is the usual one.

    `together` passages stand in one prompt, at most, by schedule; a reply has `written` tokens for
    each of them, at most.
    """

    begin: Begin
    schedules: tuple[str, ...] = ("",)
    together: Callable[[Choices, str], int] = lambda _c, _s: 1
    written: int = 1

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
    "head": lambda n, size, _c: head(n, size),
    "single": lambda n, _size, _c: single(n),
    "tourrank": lambda n, _size, c: tourrank(n, c.shuffles),
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


def _first(c: Choices, size: int, query: str, passages: Sequence[str], prior: Prior) -> Asker:
    return First(query, passages, c.forced, size, prior)


def _listwise(c: Choices, _: int, query: str, passages: Sequence[str], _prior: Prior) -> Asker:
    return Listwise(query, passages, c.forced)


def _setwise(c: Choices, size: int, query: str, passages: Sequence[str], prior: Prior) -> Asker:
    if c.writes:
        return SetwiseWritten(query, passages, c.forced, size)
    return Setwise(query, passages, c.forced, size, prior)


MERGES: Mapping[str, Callable[[Sequence[Levels]], Window]] = {
    "borda": borda,
    "kemeny": kemeny,
    "rrf": rrf,
}
"""Ways to make one order of several, by their names in `rerank.merge`."""

FIRST = Way(_first, reads=lambda _: True)
LISTWISE = Way(_listwise, reads=lambda _: False)
SETWISE = Way(_setwise, reads=lambda c: not c.writes)


def _windows(
    way: Way,
    size: Callable[[Choices, str], int],
    c: Choices,
    schedule: str,
    query: str,
    passages: Sequence[str],
) -> Ranker:
    """Rank by windows, each shown in as many orders as chosen."""
    n = len(passages)
    if n < 2:
        return Ordering(tuple(range(n)))
    most, prior = min(n, size(c, schedule)), Prior()
    if c.letter_prior and way.reads(c):
        try:
            prior = yield from _prior(way, c, most)
        except RagError:
            return Ordering(tuple(range(n)))
    shown = 1 if schedule == "tourrank" else c.shuffles  # its tournaments are shuffled already
    asker = self_consistent(way.ask(c, most, query, passages, prior), shown)
    return (yield from ranking(WINDOWS[schedule](n, most, c), asker))


def _prior(way: Way, c: Choices, size: int) -> Flow[Prior]:
    """Return the letter prior of windows of this size, measured once per model."""
    key = (way, size)
    if key not in c.learned.priors:
        askers = [way.ask(c, size, query, PASSAGES, ()) for query in QUERIES]
        c.learned.priors[key] = yield from letter_prior(askers, size)
    return c.learned.priors[key]


def _pairs(c: Choices, schedule: str, query: str, passages: Sequence[str]) -> Ranker:
    """Rank by comparisons, with demonstrations as chosen."""
    try:
        shown = (yield from _demonstrations(c)) if len(passages) > 1 else ()
    except RagError:
        return Ordering(tuple(range(len(passages))))
    mode: Mode = "generation" if c.writes else "scoring"
    if schedule == "fusion":
        return (
            yield from llm_rankfusion(
                query,
                passages,
                lambda orders: MERGES[c.merge]([strict(order) for order in orders]),
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


def _window(c: Choices, schedule: str) -> int:
    return max(c.window, _LEAST.get(schedule, 0))


def _together(c: Choices, _: str) -> int:
    return c.together


_LEAST = {"single": 10_000, "tourrank": 20}  # passages that a schedule puts into a window
_LISTS = ("sliding", "head", "tourrank", "top-down", "acurank")

METHODS: Mapping[str, Row] = {
    "first": Row(partial(_windows, FIRST, _window), _LISTS, _window),
    "listwise": Row(partial(_windows, LISTWISE, _window), (*_LISTS, "single"), _window, written=8),
    "setwise": Row(
        partial(_windows, SETWISE, _together), ("heap", "bubble", "sliding"), _together, written=8
    ),
    "pairwise": Row(
        _pairs, ("sliding", "heap", "allpair", "fusion", "steps"), lambda _c, _s: 2, written=8
    ),
    "query-likelihood": Row(_likelihood),
    "yes-no": Row(_yes_no),
    "qwen3-reranker": Row(_qwen3),
    "graded": Row(_graded, written=8),
    "rating": Row(_rating),
}
"""Methods by the name that settings and commands use."""


def asking(
    name: str,
    llm: LLM,
    choices: Choices,
    schedule: str = "",
    passage_tokens: int = PASSAGE_TOKENS,
    budget: Budget = USUAL,
) -> Asking:
    """Return the method of that name, ready to ask a model.

    Args:
        name: of a row of `METHODS`.
        llm: the model.
        choices: what it is to do.
        schedule: one of the row's; empty is its usual one.
        passage_tokens: the most that is read of a passage.
        budget: what a query may cost.

    Raises:
        BadSettings: the method has no such schedule.
    """
    row = METHODS[name]
    taken = row.schedule(schedule)
    return Asking(
        f"{name} {taken}".strip(),
        llm,
        partial(row.begin, choices, taken),
        row.together(choices, taken),
        passage_tokens,
        budget,
        row.written,
    )
