"""Groups without a label: a heading asks for its section, a sentence for what stood around it.

The second is the inverse cloze task (Lee et al., ACL 2019, arXiv 1906.00300), the sentence always
taken out.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sentencex import get_sentence_boundaries

from rag.training.data.finding import Find, hardest
from rag.training.data.shelf import Made
from rag.training.values import Group, Passage
from rag.values import Frozen

LEAST_WORDS, LEAST_CHARACTERS = 3, 80  # chosen: "Notes" asks for nothing, "See above." answers it
SENTENCE_WORDS = (6, 40)  # chosen: "It was cold." asks for nothing, a whole paragraph is no query
MOST_CHARACTERS = 4_000  # chosen: what trainers read of a passage is shorter


@dataclass(frozen=True, slots=True)
class Section(Frozen):
    """A part of a document: the headings above it, the outermost first, and its own text."""

    document: str
    number: int
    path: tuple[str, ...]
    text: str


def asking(parts: Iterable[Section]) -> Iterator[tuple[str, Passage]]:
    """Yield what asks, a heading, and the text that is right for it.

    A heading of fewer than three words takes the one above it along. Left out is what still asks
    for nothing, and a text of a line.

    >>> one = Section("a.md", 1, ("The sample freezer", "Alarm"), "It rings. " * 9)
    >>> [(query, passage.id) for query, passage in asking([one])]
    [('The sample freezer: Alarm', 'a.md#1')]
    """
    for part in parts:
        query = ""
        for heading in reversed(part.path):
            query = ": ".join(filter(None, (" ".join(heading.split()), query)))
            if len(query.split()) >= LEAST_WORDS:
                break
        text = part.text.strip()[:MOST_CHARACTERS]
        if len(query.split()) >= LEAST_WORDS and len(text) >= LEAST_CHARACTERS:
            yield query, Passage(f"{part.document}#{part.number}", text, 1)


def cloze(parts: Iterable[Section], language: str = "en") -> Iterator[tuple[str, Passage]]:
    """Yield a sentence of each text, and the text without it; the same sentence each time.

    >>> text = "The freezer stays cold for nine hours. " * 3 + "Then an alarm rings at the desk."
    >>> query, passage = next(cloze([Section("a.md", 1, (), text)]))
    >>> query in text, len(passage.text) < len(text)
    (True, True)
    """
    least, most = SENTENCE_WORDS
    for part in parts:
        text = part.text.strip()[:MOST_CHARACTERS]
        spans = [
            (found["start_index"], found["end_index"])
            for found in get_sentence_boundaries(language, text)
            if least <= len(text[found["start_index"] : found["end_index"]].split()) <= most
        ]
        if not spans:
            continue
        drawn = hashlib.sha256(f"{part.document}#{part.number}".encode()).digest()
        start, end = spans[int.from_bytes(drawn[:4]) % len(spans)]
        rest = f"{text[:start].rstrip()} {text[end:].lstrip()}".strip()
        if len(rest) >= LEAST_CHARACTERS:
            query = " ".join(text[start:end].split())
            yield query, Passage(f"{part.document}#{part.number}", rest, 1)


async def asked(
    section: tuple[str, str, Passage], find: Find, negatives: int, skip: int = 0
) -> Made[Group]:
    """Return the group of a section; its negatives are of other documents.

    Args:
        section: an id, and what `asking` or `cloze` yields.
        find: searches the corpus; gives texts without titles and headings, or those would tell.
        negatives: how many.
        skip: as in `hardest`.
    """
    id_, query, positive = section
    document = positive.id.rpartition("#")[0]
    found = await hardest(find, query, 2 * negatives + skip, [positive])
    others = [p for p in found if p.id.rpartition("#")[0] != document][skip : skip + negatives]
    return Made((Group(id_, query, (positive, *others)),))
