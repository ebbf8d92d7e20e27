"""What was sent becomes documents: rows, line by line, or a file under the name it was given."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import get_args

from indexers.bulk.seen import Seen
from indexers.reading.inputs import Allowance, Input, OfFile, Read
from indexers.reading.lines import lines_of
from indexers.reading.opening import entries
from indexers.reading.rows import from_json
from indexers.reading.workers import Workers
from indexers.stores.payload import unstorable
from rag.sections import IndexSettings
from rag.values import Document, Fault, Markup, Notice

SENT = "sent"


def read_rows(
    file: Path, tenant: str, limits: IndexSettings
) -> Generator[tuple[int, Read], None, None]:
    """Yield (line, document, or why there is none) of JSON Lines, as those of a file are read.

    But a row says itself by `source` where it comes from, by `markup` how its structure is marked
    and by `language` the programming language of code. Documents can be stored, and no two have
    the same id: the first one counts.
    """
    input_ = _input(file, SENT, SENT, tenant, limits)
    with closing(Seen()) as seen:
        for number, line in lines_of(input_):
            if isinstance(line, Fault | Notice):
                yield number, line
                continue
            read = from_json(input_, number, line)
            if isinstance(read, Document):
                read = _said(read)
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


def _said(document: Document) -> Document:
    """Return a document with what its row says of it, which is no metadata then."""
    metadata = dict(document.metadata)
    said = {"source": ""}
    for key in ("source", "markup", "language"):
        value = metadata.get(key)
        if isinstance(value, str) and (key != "markup" or value in get_args(Markup)):
            said[key] = value
            del metadata[key]
    return replace(document, metadata=metadata, **said)  # type: ignore[arg-type]
