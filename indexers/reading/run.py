"""Paths become documents, in a fixed order, several files being converted at a time."""

import io
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from indexers.reading.inputs import Allowance, Input, OfFile, Opener, Read
from indexers.reading.opening import Apart, entries
from indexers.reading.walk import files
from indexers.reading.workers import Workers
from rag.sections import IndexSettings
from rag.values import DEFAULT_TENANT, Fault, Frozen

STDIN = Path("-")
_AHEAD = 2  # chosen: files per worker that are begun before they are waited for


def read_paths(
    paths: Sequence[Path],
    tenant: str = DEFAULT_TENANT,
    limits: IndexSettings = IndexSettings(),  # noqa: B008 - it never changes
    stdin: BinaryIO | None = None,
) -> Iterator[Read]:
    """Yield every document under the paths, in a fixed order, and a fault for what is skipped.

    A folder with a BEIR corpus (`corpus.jsonl`, `corpus.jsonl.gz`, or a folder `corpus/` beside
    `queries.jsonl`) stands for that corpus. Any other folder stands for the readable files in it;
    hidden files and files of other formats are passed over. A file named outright must be readable.
    The path `-` is what comes in by `stdin`: JSON Lines where it begins with an object, else text.
    """
    with closing(Workers(limits)) as workers:
        parts = _parts(paths, tenant, limits, stdin, workers.read)
        ahead: deque[Iterator[Read]] = deque()
        for part in parts:
            ahead.append(part)
            if len(ahead) > _AHEAD * limits.workers:
                yield from ahead.popleft()
        while ahead:
            yield from ahead.popleft()


def _parts(
    paths: Sequence[Path],
    tenant: str,
    limits: IndexSettings,
    stdin: BinaryIO | None,
    apart: Apart,
) -> Iterator[Iterator[Read]]:
    for path in paths:
        if path == STDIN:
            stream = stdin or sys.stdin.buffer
            yield from entries(_piped(stream, tenant, limits), apart)
            continue
        for found in files(path):
            if isinstance(found, Fault):
                yield iter([found])
            else:
                opener, source = OfFile(found.target), str(found.path)
                yield from entries(
                    _input(found.id, source, found.path.name, tenant, limits, opener), apart
                )


def _input(
    id_: str, source: str, name: str, tenant: str, limits: IndexSettings, opener: Opener
) -> Input:
    allowance = Allowance(limits.max_archive_bytes, limits.max_members)
    return Input(id_, source, name, tenant, limits, opener, allowance=allowance)


@dataclass(frozen=True, slots=True)
class _OfStream(Frozen):
    stream: BinaryIO

    def __call__(self) -> BinaryIO:
        return self.stream


def _piped(stream: BinaryIO, tenant: str, limits: IndexSettings) -> Input:
    buffered = io.BufferedReader(stream)  # type: ignore[type-var]
    rows = buffered.peek().lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    name = "stdin.jsonl" if rows else "stdin.txt"
    return _input("stdin", "stdin", name, tenant, limits, _OfStream(buffered))
