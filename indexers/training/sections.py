"""The sections of a document: what its headings are over, or its title."""

from collections.abc import Iterator

from indexers.splitting.paths import headings_of
from rag.training.data.structure import Section
from rag.values import Document


def sections(document: Document) -> Iterator[Section]:
    r"""Yield the parts of a document between its headings; one without any is a single part.

    >>> text = "# The ferry\n\nLeaves at eight.\n\n## Dogs\n\nAre welcome."
    >>> [(one.path, one.text) for one in sections(Document("a", text, markup="markdown"))]
    [(('The ferry',), 'Leaves at eight.'), (('The ferry', 'Dogs'), 'Are welcome.')]
    >>> [one.path for one in sections(Document("a", "Leaves at eight.", title="The ferry"))]
    [('The ferry',)]
    """
    above = (document.title,) if document.title else ()
    found, _ = headings_of(document.text, {}) if document.markup == "markdown" else ((), {})
    first = document.text[: found[0].start].strip() if found else document.text.strip()
    if first:
        yield Section(document.id, 0, above, first)
    ends = [*(heading.start for heading in found[1:]), len(document.text)]
    for number, (heading, end) in enumerate(zip(found, ends, strict=False), start=1):
        path = heading.path if heading.path[:1] == above else (*above, *heading.path)
        text = document.text[heading.below : end].strip()
        if text:
            yield Section(document.id, number, path, text)


def without_headings(text: str) -> str:
    r"""Return a Markdown text without the lines of its headings.

    >>> without_headings("# The ferry\n\nLeaves at eight.")
    'Leaves at eight.'
    """
    found, _ = headings_of(text, {})
    starts = [0, *(heading.below for heading in found)]
    ends = [*(heading.start for heading in found), len(text)]
    parts = (text[start:end].strip() for start, end in zip(starts, ends, strict=True))
    return "\n\n".join(filter(None, parts))
