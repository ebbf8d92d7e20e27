"""An answer as a sequence of events, in the order in which a client may rely on.

meta → search_results → (delta | citation)* → verification* → final → done. A client that only shows
the deltas sees the text as it was written; one that also applies the verifications ends with the
text of the final answer; one that reads only `final` has everything.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from rag.values import Answer, Cut, Frozen, Reference, Support, Told, Verification


@dataclass(frozen=True, slots=True)
class Meta(Frozen):
    """First: which request this answers, and by which route."""

    request_id: str
    route: str = ""


@dataclass(frozen=True, slots=True)
class SearchResults(Frozen):
    """What was found and may be cited."""

    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Delta(Frozen):
    """The next piece of the text, without markers; never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Cites(Frozen):
    """A sentence that is complete: its half-open span in all deltas together, and what it cites."""

    sentence: int
    start: int
    end: int
    refs: tuple[int, ...]
    support: Support = "unknown"


@dataclass(frozen=True, slots=True)
class Final(Frozen):
    """The whole answer, as it is after all fixes."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Done(Frozen):
    """Last: nothing follows."""


Event: TypeAlias = Meta | SearchResults | Delta | Cites | Verification | Final | Done

NAMES: Mapping[type[Event], str] = {
    Meta: "meta",
    SearchResults: "search_results",
    Delta: "delta",
    Cites: "citation",
    Verification: "verification",
    Final: "final",
    Done: "done",
}
"""The names of events on the wire."""

# What may follow what.
_FOLLOW: Mapping[type[Event] | None, frozenset[type[Event]]] = {
    None: frozenset({Meta}),
    Meta: frozenset({SearchResults}),
    SearchResults: frozenset({Delta, Final}),
    Delta: frozenset({Delta, Cites, Verification, Final}),
    Cites: frozenset({Delta, Cites, Verification, Final}),
    Verification: frozenset({Verification, Final}),
    Final: frozenset({Done}),
    Done: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Order(Frozen):
    """What was told so far: a state machine that refuses what may not follow.

    >>> Order().after(Meta("r")).after(SearchResults(())).complete
    False
    >>> Order().after(Delta("text"))
    Traceback (most recent call last):
    ...
    ValueError: delta may not follow the beginning
    """

    last: type[Event] | None = None
    text: str = ""
    spans: tuple[tuple[int, int], ...] = ()
    fixes: tuple[Verification, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everything was told."""
        return self.last is Done

    def after(self, event: Event) -> "Order":
        """Return the state after an event.

        Raises:
            ValueError: the event may not come now, or it disagrees with what was told before.
        """
        kind = type(event)
        if kind not in _FOLLOW[self.last]:
            before = NAMES[self.last] if self.last else "the beginning"
            raise ValueError(f"{NAMES[kind]} may not follow {before}")
        text, spans, fixes = self.text, self.spans, self.fixes
        if isinstance(event, Delta):
            text += _not_empty(event)
        elif isinstance(event, Cites):
            spans = (*spans, self._next_span(event))
        elif isinstance(event, Verification):
            fixes = (*fixes, self._next_fix(event))
        elif isinstance(event, Final):
            self._agrees(event.answer)
        return Order(kind, text, spans, fixes)

    def _next_span(self, event: Cites) -> tuple[int, int]:
        told = self.spans[-1][1] if self.spans else 0
        if event.sentence != len(self.spans):
            raise ValueError(f"sentence {event.sentence} is cited, {len(self.spans)} is next")
        if not told <= event.start < event.end <= len(self.text):
            raise ValueError(f"sentence {event.sentence} is not yet told, or told before")
        return event.start, event.end

    def _next_fix(self, event: Verification) -> Verification:
        if not 0 <= event.sentence < len(self.spans):
            raise ValueError(f"there is no sentence {event.sentence} to verify")
        if any(event.sentence == fix.sentence for fix in self.fixes):
            raise ValueError(f"sentence {event.sentence} was verified before")
        return event

    def _agrees(self, answer: Answer) -> None:
        if mended(self.text, self.spans, self.fixes) != answer.text:
            raise ValueError("the final text is not what was told, with its fixes")


def _not_empty(event: Delta) -> str:
    if not event.text:
        raise ValueError("a delta without text")
    return event.text


def mended(text: str, spans: Sequence[tuple[int, int]], fixes: Iterable[Verification]) -> str:
    """Return a text after late fixes: how a client applies them.

    A rewritten sentence stands in the place of the old one. A dropped one goes with what stands
    between it and the next one, the last ones with all behind the sentence before them; without a
    sentence left, nothing is left.

    >>> fixes = [Verification(1, "none", "drop")]
    >>> mended("It lasts. It flies. It hums.", [(0, 9), (10, 19), (20, 28)], fixes)
    'It lasts. It hums.'
    """
    return placed(text, spans, fixes)[0]


def placed(
    text: str, spans: Sequence[tuple[int, int]], fixes: Iterable[Verification]
) -> tuple[str, Mapping[int, tuple[int, int]]]:
    """Return a text after late fixes (`mended`), and where its sentences stand, by their number.

    >>> placed("It lasts. It flies.", [(0, 9), (10, 19)], [Verification(0, "none", "drop")])
    ('It flies.', {1: (0, 9)})
    """
    fixed = {fix.sentence: fix for fix in fixes if fix.action != "keep"}
    kept = [i for i in range(len(spans)) if i not in fixed or fixed[i].action == "rewrite"]
    if not kept:
        return "" if spans else text, {}
    starts = [*(start for start, _ in spans), len(text)]
    whole, places = text[: starts[0]], {}
    for i in kept:
        end = spans[i][1]
        sentence = fixed[i].text if i in fixed else text[starts[i] : end]
        places[i] = (len(whole), len(whole) + len(sentence))
        whole += sentence
        if i < kept[-1] or i == len(spans) - 1:
            whole += text[end : starts[i + 1]]
    return whole, places


@dataclass(slots=True)
class Telling:
    """Turns what a generator yields, piece by piece, into events, and refuses what is out of order.

    Asynchronous callers tell piece by piece; `events` does it for all at once.
    """

    meta: Meta
    results: SearchResults
    _order: Order = field(default=Order(), init=False)
    _waiting: list[Cut] = field(default_factory=list, init=False)

    def begin(self) -> tuple[Event, ...]:
        """Return what comes before anything is written."""
        return self._tell(self.meta, self.results)

    def tell(self, told: Told) -> tuple[Event, ...]:
        """Return the events of the next piece: none for an empty delta.

        A sentence whose end was not shown yet is told as soon as it is.

        Raises:
            ValueError: the piece may not come now, or disagrees with what was told before.
        """
        if isinstance(told, Verification):
            return self._tell(told)
        if isinstance(told, Answer):
            if self._waiting:
                raise ValueError("a sentence is complete that was not told")
            return self._tell(Final(told), Done())
        if isinstance(told, Cut):
            self._waiting.append(told)
            return self._complete()
        return (*self._tell(Delta(told)), *self._complete()) if told else ()

    def _complete(self) -> tuple[Event, ...]:
        events: list[Event] = []
        while self._waiting and self._waiting[0].end <= len(self._order.text):
            cut = self._waiting.pop(0)
            number = len(self._order.spans)
            events += self._tell(Cites(number, cut.start, cut.end, cut.refs, cut.support))
        return tuple(events)

    def _tell(self, *events: Event) -> tuple[Event, ...]:
        for event in events:
            self._order = self._order.after(event)
        return events


def events(meta: Meta, results: SearchResults, told: Iterable[Told]) -> Iterator[Event]:
    """Yield a whole answer as events, lazily.

    Raises:
        ValueError: the pieces are out of order, or do not add up to the answer.
    """
    telling = Telling(meta, results)
    yield from telling.begin()
    for piece in told:
        yield from telling.tell(piece)
