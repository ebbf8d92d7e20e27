"""Files that are read here, and indexed by a server."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import msgspec

from api.client import AsyncClient, Line
from api.jobs.job import Counts
from indexers.bulk import Fate, FileReport, IndexReport
from indexers.bulk.reporting import Tally, fault_at
from indexers.bulk.seen import Seen
from indexers.stores.payload import unstorable
from rag.cli.remote.asking import client_of
from rag.sections import ClientSettings
from rag.showing import Show
from rag.values import Document, Fault, Notice

AT_ONCE = 64 * 1024 * 1024  # chosen: bytes of an upload; a document that is larger goes alone
FATES: frozenset[str] = frozenset({"new", "changed", "revised", "unchanged", "skipped"})
Item: TypeAlias = Document | Fault | Notice


@dataclass(slots=True)
class _Upload:
    """What was read in its order, without the texts of documents, which are lines now."""

    items: list[Item] = field(default_factory=list)
    lines: list[msgspec.Raw] = field(default_factory=list)
    size: int = 0

    def add(self, item: Item) -> None:
        if isinstance(item, Document):
            row = msgspec.json.encode(row_of(item))
            self.lines.append(msgspec.Raw(row))
            self.size += len(row)
            item = replace(item, text="", metadata={})
        self.items.append(item)


async def index(
    server: ClientSettings,
    collection: str | None,
    tenant: str | None,
    read: Iterable[Item],
    show: Show,
    on_file: Callable[[FileReport], None],
) -> tuple[str, IndexReport]:
    """Return the collection, and what was done.

    Raises:
        RagError: as the client; what was sent before stays.
    """
    began, done = time.perf_counter(), Counts()
    tally = Tally(on_file)
    async with client_of(server) as client:
        name = collection or (await client.ready()).collection
        for upload in _uploads(read):
            done = _both(done, await _sent(client, upload, name, tenant, tally))
            show("read", tally.read, 0)
    tally.close()
    report = tally.report(time.perf_counter() - began)
    return name, replace(report, encoded=done.encoded, removed=done.removed)


async def _sent(
    client: AsyncClient, upload: _Upload, name: str, tenant: str | None, tally: Tally
) -> Counts:
    """Send documents, and count what became of them between what could not be read."""
    told: dict[int, Line] = {}
    counts = Counts()
    if upload.lines:
        job = await client.put(
            upload.lines,
            lambda line: told.update({line.line: line}),
            collection=name,
            tenant=tenant,
        )
        counts = job.result or counts
    number = 0
    for item in upload.items:
        if isinstance(item, Fault):
            tally.fault(item)
        elif isinstance(item, Notice):
            tally.notice(item)
        else:
            number += 1
            _count(tally, item, told.get(number))
    return counts


def _count(tally: Tally, document: Document, line: Line | None) -> None:
    fate = _fate(line)
    if fate is None:
        reason = line.reason if line else "the server did not say what became of it"
        tally.fault(fault_at(document.source, reason))
    else:
        tally.document(document, fate, line.chunks if line else 0)


def _fate(line: Line | None) -> Fate | None:
    return msgspec.convert(line.status, Fate) if line and line.status in FATES else None


def row_of(document: Document) -> dict[str, Any]:
    """Return a document as a line says it; `indexers.reading.read_rows` gives it back."""
    return {
        "id": document.id,
        "text": document.text,
        "title": document.title,
        "source": document.source,
        "metadata": document.metadata,
        "markup": document.markup,
        "language": document.language,
        **({"pages": document.pages} if document.pages else {}),
    }


def _uploads(read: Iterable[Item]) -> Iterator[_Upload]:
    """Yield all that was read, in parts that can be sent."""
    upload = _Upload()
    with closing(Seen()) as seen:
        for item in read:
            upload.add(_accepted(item, seen))
            if upload.size >= AT_ONCE:
                yield upload
                upload = _Upload()
    yield upload


def _accepted(item: Item, seen: Seen) -> Item:
    """Return the item, or the fault that a document is."""
    if not isinstance(item, Document):
        return item
    if reason := unstorable(item):
        return fault_at(item.source, reason)
    if not seen.add(item.tenant, item.id):
        return fault_at(item.source, f"duplicate id '{item.id}': the first one counts")
    return item


def _both(one: Counts, other: Counts) -> Counts:
    encoded, removed = one.encoded + other.encoded, one.removed + other.removed
    return Counts(encoded=encoded, removed=removed)
