"""Widening: what was found small is read large.

Chunks are found for what they say, and read with what stands around them: their neighbours
(Haystack's `SentenceWindowRetriever`), or the larger piece of the document that most of them are
from (LlamaIndex's and Haystack's `AutoMergingRetriever`). What is read stays one verbatim piece of
its document.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from rag.errors import RagError
from rag.seams import Store
from rag.values import Candidate, Chunk, Frozen, Results, Stage, breaks_of

MOST = 0.5  # of a larger piece's chunks: when more of them are found, it takes their place

Range: TypeAlias = tuple[int, int]
"""A half-open range of ordinals."""


@dataclass(frozen=True, slots=True)
class Widening(Frozen):
    """How results are widened; `window` counts the chunks on each side."""

    method: Literal["window", "merge"]
    window: int = 3


@dataclass(frozen=True, slots=True)
class _Group(Frozen):
    """Candidates of one document, best first, and the chunks that are to be read for them."""

    members: tuple[Candidate, ...]
    wanted: Range

    @property
    def document_id(self) -> str:
        """The document's."""
        return self.members[0].chunk.document_id


Places: TypeAlias = Mapping[tuple[str, int], Sequence[Chunk]]
"""The chunks at a document's ordinal: several while it is being replaced."""


async def widen(results: Results, store: Store, widening: Widening) -> Results:
    """Return the candidates, each with as much of its document as is to be read.

    A widened candidate has id, score, ranks and place of the best of those in it. Where a part of
    the document may not be read, or is just being replaced, a window ends before it, and nothing is
    merged. Where the store fails, candidates stay as they are, and the trace says why.
    """
    groups = GROUPINGS[widening.method](results.candidates, widening.window)
    wanted = [(one.document_id, *one.wanted) for one in groups if one.wanted[1] - one.wanted[0] > 1]
    if not wanted:
        stage = Stage("widen", 0.0, "skipped", "nothing to widen")
        return replace(results, trace=(*results.trace, stage))
    try:
        chunks = await store.around(wanted, results.query.access)
    except RagError as error:
        stage = Stage("widen", 0.0, "failed", str(error))
        return replace(results, trace=(*results.trace, stage))
    places: dict[tuple[str, int], list[Chunk]] = defaultdict(list)
    for chunk in chunks:
        places[chunk.document_id, chunk.ordinal].append(chunk)
    widened = {
        one.chunk.id: one
        for group in groups
        for one in _widened(group, places, whole=widening.method == "merge")
    }
    every = [candidate.chunk for candidate in results.candidates]
    candidates = tuple(widened[chunk.id] for chunk in every if chunk.id in widened)
    grown = sum(chunk.id in widened and widened[chunk.id].chunk is not chunk for chunk in every)
    detail = f"{grown} widened, {len(every) - len(candidates)} joined to better ones"
    stage = Stage("widen", 0.0, detail=detail)
    return replace(results, candidates=candidates, trace=(*results.trace, stage))


def _windows(candidates: Sequence[Candidate], window: int) -> list[_Group]:
    """Return every candidate with its neighbours; those whose windows overlap share one."""
    groups: list[_Group] = []
    for of_one in _by_document(candidates):
        spans: list[tuple[Range, list[Candidate]]] = []
        for one in sorted(of_one, key=lambda candidate: candidate.chunk.ordinal):
            first, last = max(0, one.chunk.ordinal - window), one.chunk.ordinal + window + 1
            if spans and first < spans[-1][0][1]:
                (begin, _), members = spans.pop()
                spans.append(((begin, last), [*members, one]))
            else:
                spans.append(((first, last), [one]))
        groups.extend(_group(of_one, members, wanted) for wanted, members in spans)
    return groups


def _merged(candidates: Sequence[Candidate], window: int) -> list[_Group]:
    """Return candidates under the largest pieces that more than half of is found, level by level.

    A piece that takes the place of its chunks counts as all of them in the piece around it.
    """
    del window
    found: list[_Group] = []
    for of_one in _by_document(candidates):
        groups = [_Group((one,), (one.chunk.ordinal, one.chunk.ordinal + 1)) for one in of_one]
        families = {family for one in of_one for family in one.chunk.family}
        for family in sorted(families, key=lambda range_: (range_[1] - range_[0], range_)):
            inside = [group for group in groups if _holds(family, group.wanted)]
            held = {ordinal for group in inside for ordinal in range(*group.wanted)}
            if len(held) > MOST * (family[1] - family[0]):
                members = [one for group in inside for one in group.members]
                outside = [group for group in groups if group not in inside]
                groups = [*outside, _group(of_one, members, family)]
        found.extend(groups)
    return found


GROUPINGS: Mapping[str, Callable[[Sequence[Candidate], int], list[_Group]]] = {
    "window": _windows,
    "merge": _merged,
}


def _by_document(candidates: Sequence[Candidate]) -> Iterable[list[Candidate]]:
    found: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        found[candidate.chunk.document_id].append(candidate)
    return found.values()


def _group(ranked: Sequence[Candidate], members: Sequence[Candidate], wanted: Range) -> _Group:
    ids = {one.chunk.id for one in members}
    return _Group(tuple(one for one in ranked if one.chunk.id in ids), wanted)


def _holds(outer: Range, inner: Range) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _widened(group: _Group, places: Places, *, whole: bool) -> Iterator[Candidate]:
    """Yield the candidates of a group, widened as far as the chunks that are there allow.

    With `whole` that is all that is wanted, or nothing.
    """
    left = group.members
    while left:
        best = left[0]
        run = _run(best.chunk, group.wanted, places)
        if whole and (run[0].ordinal, run[-1].ordinal + 1) != group.wanted:
            run = [best.chunk]
        ids = {chunk.id for chunk in run}
        yield _joined([one for one in left if one.chunk.id in ids], run)
        left = tuple(one for one in left if one.chunk.id not in ids)


def _run(chunk: Chunk, wanted: Range, places: Places) -> list[Chunk]:
    """Return the chunk with those around it that are wanted, as far as one leads to the next."""
    run = deque([chunk])
    for ordinal in range(chunk.ordinal - 1, wanted[0] - 1, -1):
        before = [
            one for one in places.get((chunk.document_id, ordinal), ()) if _leads(one, run[0])
        ]
        if len(before) != 1:
            break
        run.appendleft(before[0])
    for ordinal in range(chunk.ordinal + 1, wanted[1]):
        after = [
            one for one in places.get((chunk.document_id, ordinal), ()) if _leads(run[-1], one)
        ]
        if len(after) != 1:
            break
        run.append(after[0])
    return [*run]


def _leads(before: Chunk, after: Chunk) -> bool:
    return before.end + len(before.gap) == after.start


def _joined(members: Sequence[Candidate], run: Sequence[Chunk]) -> Candidate:
    """Return the best member with the text of all chunks of a run, and the flags of all members."""
    best, first, last = members[0], run[0], run[-1]
    if len(run) == 1:
        return best
    wanted = (first.ordinal, last.ordinal + 1)
    chunk = replace(
        best.chunk,
        text="".join(one.text + one.gap for one in run[:-1]) + last.text,
        start=first.start,
        end=last.end,
        context=first.context,
        ordinal=first.ordinal,
        gap=last.gap,
        page=first.page,
        breaks=breaks_of(run),
        family=tuple(one for one in best.chunk.family if one != wanted and _holds(one, wanted)),
    )
    flags = tuple(dict.fromkeys(flag for one in members for flag in one.flags))
    return replace(best, chunk=chunk, flags=flags)
