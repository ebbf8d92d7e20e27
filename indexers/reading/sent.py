"""What was sent becomes documents: rows, line by line, or a file under the name it was given."""

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import msgspec

from indexers.bulk.seen import Seen
from indexers.reading.inputs import Allowance, Input, OfFile, Read
from indexers.reading.lines import lines_of
from indexers.reading.opening import entries
from indexers.reading.rows import from_json
from indexers.reading.workers import Workers
from indexers.stores.payload import unstorable
from rag.sections import IndexSettings
from rag.values import Document, Fault, Json, Markup, Notice

SENT = "sent"


def read_rows(
    file: Path, tenant: str, limits: IndexSettings
) -> Generator[tuple[int, Read], None, None]:
    """Yield (line, document, or why there is none) of JSON Lines, as those of a file are read.

    But a row says itself by `source` where it comes from, by `markup` how its structure is marked,
    by `language` the programming language of code, and by `pages` where in its text they begin.
    Documents can be stored, and no two have the same id: the first one counts.
    """
    input_ = _input(file, SENT, SENT, tenant, limits)
    with closing(Seen()) as seen:
        for number, line in lines_of(input_):
            if isinstance(line, Fault | Notice):
                yield number, line
                continue
            read = from_json(input_, number, line)
            if isinstance(read, Document):
                read = _said(read, msgspec.json.decode(line))
                if reason := unstorable(read):
                    read = input_.fault(reason, number)
                elif not seen.add(tenant, read.id):
                    reason = f"duplicate id '{read.id}': the first one counts"
                    read = input_.fault(reason, number)
            yield number, read


def read_file(
    file: Path, name: str, tenant: str, limits: IndexSettings
) -> Generator[Read, None, None]:
    """Yield what a file of any format holds; its name is the id and the source of its documents."""
    with closing(Workers(limits)) as workers:
        for part in entries(_input(file, name, name, tenant, limits), workers.read):
            yield from part


def _input(file: Path, source: str, name: str, tenant: str, limits: IndexSettings) -> Input:
    allowance = Allowance(limits.max_archive_bytes, limits.max_members)
    opener = OfFile(file.resolve())
    return Input(name, source, Path(name).name, tenant, limits, opener, allowance=allowance)


def _said(document: Document, row: Mapping[str, Json]) -> Document:
    """Return a document with what its row says of it, which is no metadata then."""
    metadata, inner = dict(document.metadata), row.get("metadata") or {}
    said: dict[str, Any] = {"source": ""}
    for key, possible in _SAYS.items():
        if key in row and (value := possible(row[key], document)) is not None:
            said[key] = value
            if isinstance(inner, dict) and key not in inner:
                del metadata[key]
    return replace(document, metadata=metadata, **said)


def _string(value: Json, _: Document) -> str | None:
    return value if isinstance(value, str) else None


def _markup(value: Json, _: Document) -> str | None:
    return value if isinstance(value, str) and value in get_args(Markup) else None


def _pages(value: Json, document: Document) -> tuple[int, ...] | None:
    """Return offsets that ascend from 0 and stand in the text."""
    starts = value if isinstance(value, list) else []
    if not starts or starts[0] != 0 or not all(type(start) is int for start in starts):
        return None
    pages = tuple(start for start in starts if isinstance(start, int))
    rising = all(one <= other for one, other in pairwise(pages))
    return pages if rising and pages[-1] <= len(document.text) else None


_SAYS: Mapping[str, Callable[[Json, Document], str | tuple[int, ...] | None]] = {
    "source": _string,
    "markup": _markup,
    "language": _string,
    "pages": _pages,
}
"""What a row says of its document, and what it can be; anything else is metadata."""
