"""What was sent becomes documents in a collection, and every line is told what became of it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

import msgspec

from api.jobs.job import Advance, Counts, Job
from api.jobs.runner import Advancing
from indexers.bulk import Fate, FileReport, IndexReport, Options, Progress
from indexers.reading import read_file, read_rows
from indexers.reading.inputs import Read
from rag.values import Document, Fault
from rag.wiring import Engine


async def index_lines(
    engine: Engine, job: Job, given: Path, lines: Path, advance: Advancing
) -> Counts:
    """Index documents that were sent line by line.

    Raises:
        RagError: from the engine; what was written stays.
    """
    limits = engine.settings.index
    with lines.open("wb") as out, closing(read_rows(given, job.tenant, limits)) as rows:
        told = _Lines(out)
        report = await engine.index(
            told.noting(rows),
            job.collection,
            lambda progress: advance(_advance(progress, told)),
            Options(tenant=job.tenant),
            on_document=told.document,
        )
    return _counts(report)


async def rebuild(engine: Engine, job: Job, given: Path, lines: Path, advance: Advancing) -> Counts:
    """Build a collection anew, as the settings are now.

    Raises:
        RagError: from the engine; the collection stays as it was.
    """
    del given, lines
    done = await engine.reindex(
        job.collection, on_progress=lambda p: advance(Advance(p.stage, p.done, p.total))
    )
    return _counts(done.report)


async def index_file(
    engine: Engine, job: Job, given: Path, lines: Path, advance: Advancing
) -> Counts:
    """Index a file of any format under its name.

    Raises:
        RagError: from the engine; what was written stays.
    """
    limits = engine.settings.index
    with lines.open("wb") as out, closing(read_file(given, job.name, job.tenant, limits)) as items:
        told = _Lines(out)
        report = await engine.index(
            items,
            job.collection,
            lambda progress: advance(_advance(progress, told)),
            Options(tenant=job.tenant),
            told.file,
        )
    return _counts(report)


class _Lines:
    """Writes what became of what was sent; called on the thread that reads."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._lines: dict[str, int] = {}  # by the ids of documents whose fate is not known yet

    def noting(self, rows: Iterator[tuple[int, Read]]) -> Iterator[Read]:
        """Yield what was read; keep where it stood."""
        for line, item in rows:
            if isinstance(item, Document):
                self._lines[item.id] = line
            elif isinstance(item, Fault):
                self._write({"line": line, "status": "failed", "reason": item.reason})
            yield item

    def document(self, document: Document, fate: Fate, chunks: int) -> None:
        """Write what becomes of a document."""
        line = self._lines.pop(document.id, 0)
        self._write({"line": line, "document_id": document.id, "status": fate, "chunks": chunks})

    def file(self, report: FileReport) -> None:
        """Write what became of a file, or of a member of an archive."""
        faults = [
            {"line": fault.line, "status": "failed", "reason": fault.reason}
            for fault in report.faults
        ]
        notices = [notice.reason for notice in report.notices]
        told = {"file": report.file, "status": report.status, "chunks": report.chunks}
        self._write({**told, "pages": report.pages, "notices": notices, "faults": faults})

    def flush(self) -> None:
        """Let others read what was written."""
        self._out.flush()

    def _write(self, row: dict[str, object]) -> None:
        self._out.write(msgspec.json.encode(row) + b"\n")


def _advance(progress: Progress, told: _Lines) -> Advance:
    told.flush()
    return Advance(progress.stage, progress.done, progress.total)


def _counts(report: IndexReport) -> Counts:
    return Counts(
        report.documents,
        report.chunks,
        report.new,
        report.changed,
        report.revised,
        report.unchanged,
        report.skipped,
        report.encoded,
        report.removed,
        report.fault_count,
        round(report.seconds, 3),
    )
