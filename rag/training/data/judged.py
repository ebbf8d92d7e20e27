"""Groups of judged queries: what people found relevant, and what search finds beside it."""

from collections.abc import Mapping
from dataclasses import dataclass

from rag.training.data.finding import Find, hardest
from rag.training.data.shelf import Made
from rag.training.values import Group, Passage
from rag.values import Frozen


@dataclass(frozen=True, slots=True)
class Judged(Frozen):
    """A query and the grades of documents."""

    id: str
    text: str
    grades: Mapping[str, int]


async def judged(
    query: Judged, texts: Mapping[str, str], find: Find, negatives: int, skip: int = 0
) -> Made[Group]:
    """Return the group of a query: its relevant documents, those judged otherwise, those found.

    Args:
        query: with its grades.
        texts: of documents, by id.
        find: searches the corpus.
        negatives: how many are found beside those judged.
        skip: as in `hardest`.
    """
    there = {id_: grade for id_, grade in query.grades.items() if texts.get(id_, "").strip()}
    best = sorted((id_ for id_ in there if there[id_] > 0), key=lambda id_: (-there[id_], id_))
    if not best:
        return Made((), "no relevant document with a text")
    positives = [Passage(id_, texts[id_], there[id_]) for id_ in best]
    refused = [Passage(id_, texts[id_]) for id_ in sorted(there) if there[id_] <= 0]
    found = await hardest(find, query.text, negatives, [*positives, *refused], skip)
    unlike = {p.text: p for p in (*positives, *refused)}  # two documents may have one text
    return Made((Group(query.id, query.text, (*unlike.values(), *found)),))
