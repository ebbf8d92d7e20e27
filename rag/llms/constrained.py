"""Constrained decoding: one of given texts is written, whole.

The texts form a prefix tree over their tokens, in which decoding goes down: where the tree
branches, the model chooses among its branches alone (Willard & Louf, arXiv 2307.09702, for the
finite case; ReClaim, arXiv 2407.01796, quotes sentences so). Where it does not branch there is
nothing to choose, and the tokens are read together with those of the next branching point: a pass
per choice instead of one per token.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rag.llms.batching import shared
from rag.llms.decoding import Logits, Session, Tally, is_close
from rag.values import Frozen


@dataclass(frozen=True, slots=True)
class Fork(Frozen):
    """The next branching point of a prefix tree.

    `run` are the tokens before it. `ways` are the places of the texts that go on, by their next
    token; `ended` of the one that ends here, if any.
    """

    run: tuple[int, ...]
    ways: Mapping[int, tuple[int, ...]]
    ended: tuple[int, ...] = ()


def fork(texts: Sequence[Sequence[int]], places: Sequence[int], depth: int) -> Fork:
    """Return the next branching point of the texts at these places, which agree so far.

    Args:
        texts: tokens of each.
        places: of at least one text.
        depth: how many tokens lie behind; the texts are that long, and agree in them.

    >>> found = fork([[1, 2, 3], [1, 2, 4, 5], [1, 2]], [0, 1, 2], 0)
    >>> found.run, found.ways, found.ended
    ((1, 2), {3: (0,), 4: (1,)}, (2,))
    """
    rows = [tuple(texts[place]) for place in places]
    least = min(rows)
    end = shared(least, max(rows))
    ways: dict[int, tuple[int, ...]] = {}
    ended: tuple[int, ...] = ()
    for place, row in zip(places, rows, strict=True):
        if len(row) == end:
            ended += (place,)
        else:
            ways[row[end]] = (*ways.get(row[end], ()), place)
    return Fork(least[depth:end], ways, ended)


def narrowed(
    session: Session,
    prompt: Sequence[int],
    texts: Sequence[Sequence[int]],
    stops: frozenset[int],
    tally: Tally,
) -> Iterator[tuple[int, ...]]:
    """Yield the places of the texts that are still possible: first all, at last a single one.

    The last is what greedy decoding writes that may only go on as one of the texts does. Ties go to
    the lowest token. A text that is the beginning of others ends where a stop token is likelier
    than how they go on; of a model without one, it never does.

    Args:
        session: has read nothing yet; of a single text, nothing is read at all.
        prompt: at least one token.
        texts: at least one; none empty, no two alike.
        stops: tokens that end a text.
        tally: counts along; its tokens are those of the text.
    """
    places = tuple(range(len(texts)))
    unread = list(prompt)
    depth, asked = 0, False
    while len(places) > 1:
        yield places
        at = fork(texts, places, depth)
        unread += at.run
        allowed = sorted({*at.ways, *(stops if at.ended else ())})
        id_ = allowed[0]
        if len(allowed) > 1:
            tally.passes += asked  # the prompt's own pass is not counted
            id_ = allowed[int(_row(session, unread, len(at.run), allowed, tally).argmax())]
            unread, asked = [], True
        places = at.ways.get(id_, at.ended)
        unread.append(id_)
        depth += len(at.run) + 1
    tally.tokens = len(texts[places[0]])
    yield places


def _row(
    session: Session, unread: Sequence[int], run: int, allowed: Sequence[int], tally: Tally
) -> Logits:
    """Read tokens and return the logits of those that are allowed next.

    What is nearly a tie after several tokens of a text is decided by a pass over the last one
    alone, as plain decoding would.
    """
    row: Logits = session.feed(unread, 1)[-1][list(allowed)]
    if run and is_close(row):
        session.rewind(1)
        tally.passes += 1
        row = session.feed(unread[-1:], 1)[-1][list(allowed)]
    return row


def begun(texts: Sequence[str]) -> str:
    """Return the characters with which all texts begin.

    >>> begun(["The ship sails.", "The ships sail."])
    'The ship'
    """
    least = min(texts)
    return least[: shared(least, max(texts))]
