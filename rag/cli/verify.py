"""Verification against the files: is every quote still where the citation says it is?"""

from collections.abc import Iterator
from pathlib import Path

from indexers.reading import read_paths
from rag.values import Answer, Document

Verdict = tuple[int, str, bool]
"""Reference number, document id, and whether its file still says every quote at its span."""


def verify(answer: Answer) -> Iterator[Verdict]:
    """Yield a verdict per reference of the answer, from the files as they are now."""
    for reference in answer.references:
        document = read_again(reference.source, reference.document_id)
        cited = [c for s in answer.sentences for c in s.citations if c.ref == reference.ref]
        holds = document is not None and all(
            document.text[citation.start : citation.end] == citation.quote for citation in cited
        )
        yield reference.ref, reference.document_id, holds


def read_again(source: str, document_id: str) -> Document | None:
    """Return the document of a source; None where it is gone.

    A source is FILE, FILE!/MEMBER, or one of them and :LINE; a row that moved is known by its id.
    """
    file, _, line = source.rpartition(":")
    by_line = line.isdigit() and not Path(source).exists()
    path = Path(file if by_line else source)
    while not path.exists() and "!/" in str(path):
        path = Path(str(path).rpartition("!/")[0])
    unnamed = not by_line or document_id.endswith(f":{line}")  # its id is its place
    for item in read_paths([path]):
        if isinstance(item, Document) and (
            item.id == document_id or (unnamed and item.source == source)
        ):
            return item
    return None
