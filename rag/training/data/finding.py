"""Hard negatives: what search finds for a query and nobody says is relevant."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeAlias

from rag.training.values import Passage

Find: TypeAlias = Callable[[str, int], Awaitable[Sequence[Passage]]]
"""Returns the best passages of a corpus for a text, at most so many, best first."""


async def hardest(
    find: Find, query: str, count: int, known: Iterable[Passage], skip: int = 0
) -> tuple[Passage, ...]:
    """Return what is found for a query but not known, the best first.

    Args:
        find: searches.
        query: what for.
        count: at most so many.
        known: what is relevant; neither it nor its text comes again.
        skip: how many of the best are passed over: they may well be relevant.
    """
    known = tuple(known)
    ids, texts = {p.id for p in known}, {p.text for p in known}
    found: list[Passage] = []
    for one in await find(query, 2 * count + skip + len(known)):  # texts may stand twice
        if one.text.strip() and one.id not in ids and one.text not in texts:
            found.append(Passage(one.id, one.text))
            ids.add(one.id)
            texts.add(one.text)
    return tuple(found[skip : skip + count])
