"""The queries that two systems answer most differently, with what both put first."""

from collections.abc import Iterable, Mapping, Sequence

from eval.data.collection import Qrels
from eval.experiments.record import Snippet
from eval.reports.diagnoses import Example, Shown

MOST = 5  # each way
DEPTH = 5
_CHARACTERS = 160


def chosen(differences: Sequence[float]) -> tuple[int, ...]:
    """Return the places of the largest gains, then of the largest losses.

    >>> chosen([.1, -.3, 0, .4])
    (3, 0, 1)
    """
    order = sorted(range(len(differences)), key=lambda i: (-differences[i], i))
    gains = [i for i in order[:MOST] if differences[i] > 0]
    losses = [i for i in order[: -MOST - 1 : -1] if differences[i] < 0]
    return (*gains, *losses)


def examples(
    places: Sequence[int],
    differences: Sequence[float],
    queries: Sequence[str],
    texts: Mapping[str, str],
    tops: Mapping[str, Sequence[Sequence[str]]],
    qrels: Qrels,
    snippets: Iterable[Snippet],
) -> tuple[Example, ...]:
    """Return examples of two systems (`tops`: ours, then theirs) at some places of the queries."""
    (ours, our_top), (theirs, their_top) = tops.items()
    wanted = {d for i in places for top in (our_top, their_top) for d in top[i][:DEPTH]}
    known = {s.document_id: s for s in snippets if s.document_id in wanted}

    def shown(query: str, top: Sequence[str]) -> tuple[Shown, ...]:
        return tuple(_shown(d, known.get(d), qrels[query].get(d)) for d in top[:DEPTH])

    return tuple(
        Example(
            query_id=queries[i],
            query=_cut(texts.get(queries[i], queries[i])),
            difference=round(differences[i], 6),
            system=ours,
            against=theirs,
            ours=shown(queries[i], our_top[i]),
            theirs=shown(queries[i], their_top[i]),
        )
        for i in places
    )


def _shown(document_id: str, snippet: Snippet | None, grade: int | None) -> Shown:
    if snippet is None:
        return Shown(document_id, "", "", grade)
    return Shown(document_id, _cut(snippet.title), _cut(snippet.text), grade)


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _CHARACTERS else flat[: _CHARACTERS - 1] + "…"
