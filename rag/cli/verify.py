"""Verification against the files: is every quote still where the citation says it is?"""

from collections.abc import Iterator
from pathlib import Path

from indexers.readers import read_paths
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
    """Return the document of a source (FILE, or FILE:LINE of JSON Lines); None where it is gone."""
    file, _, line = source.rpartition(":")
    path, by_line = (Path(file), True) if line.isdigit() else (Path(source), False)
    for item in read_paths([path]):
        if isinstance(item, Document) and (item.id == document_id or not by_line):
            return item
    return None
