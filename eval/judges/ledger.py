"""Every reply to a judge, in a file that only grows: nothing is asked, and paid for, twice.

A line is one question with its raw reply. Its key is the SHA-256 of the messages, the decoding, the
model's fingerprint and the parser's version, so a question is found again whichever judge asks it,
in a run that goes on or in a later one.
"""

import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from filelock import FileLock, Timeout

from eval.judges.steps import Asked
from rag.errors import BadCollection, BadInput
from rag.flows import Reply
from rag.llms.replies import key as request_key
from rag.values import Chosen, Completed, Frozen, Usage


@dataclass(frozen=True, slots=True)
class Entry(Frozen):
    """A question, its reply as it came, and what was read of it (None: nothing valid).

    `text` is a reply that was written, `logprobs` one that was chosen. `attempt` is 1 where the
    first way of asking had said nothing. `tokens` are in and out; `time` is in seconds since 1970.
    """

    key: str
    judge: str
    prompt: str
    model: str
    parser: str
    query_id: str
    document_id: str
    step: str
    attempt: int
    value: float | None
    text: str | None = None
    logprobs: tuple[float | None, ...] | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    cut: bool = False
    cached: bool = False
    time: float = 0.0

    @property
    def reply(self) -> Reply:
        """The reply, as the model gave it."""
        usage = Usage(self.tokens_in, self.tokens_out, cached=True)
        if self.logprobs is not None:
            return Chosen(self.logprobs, usage)
        return Completed(self.text or "", self.tokens_out, self.cut, usage)


class Ledger:
    """Replies by key, in a file or, without one, in memory. To be closed, or used in `with`.

    A last line that was torn, because its writer was killed, is taken off; that question is asked
    again. `asked` counts what was asked of the model since this ledger was opened.

    Raises:
        BadInput: another run writes the file.
        BadCollection: another line than the last is damaged.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.asked = 0
        self.file = file
        self._replies: dict[str, Reply] = {}
        self._out: int | None = None
        if file is None:
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(f"{file}.lock", blocking=False)
        try:
            self._lock.acquire()
        except Timeout:
            raise BadInput(
                f"{file} is being written by another run: wait for it, or name another folder"
            ) from None
        try:
            _mend(file)
            self._replies = {entry.key: entry.reply for entry in read_ledger(file)}
            self._out = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the file; what was kept is in it."""
        if self._out is not None:
            os.close(self._out)
            self._out = None
            self._lock.release()

    def known(self, key: str) -> Reply | None:
        """Return the reply under a key."""
        return self._replies.get(key)

    def keep(self, entries: Sequence[Entry]) -> None:
        """Keep entries: in the file before this returns, so that a kill of the process is safe."""
        self._replies |= {entry.key: entry.reply for entry in entries}
        self.asked += len(entries)
        if self._out is not None:
            lines = b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries)
            while lines:
                lines = lines[os.write(self._out, lines) :]


@dataclass(frozen=True, slots=True)
class Page(Frozen):
    """A ledger as one judge writes it (`steps.Book`)."""

    ledger: Ledger
    judge: str
    prompt: str
    model: str

    def known(self, asked: Asked) -> Reply | None:
        """Return the reply to a question, None where it was not asked yet."""
        return self.ledger.known(key(self.model, asked))

    def keep(self, asked: Sequence[Asked], replies: Sequence[Reply]) -> None:
        """Keep replies, on disk, before anything else is asked."""
        self.ledger.keep([self._entry(a, r) for a, r in zip(asked, replies, strict=True)])

    def _entry(self, asked: Asked, reply: Reply) -> Entry:
        if not isinstance(reply, Chosen | Completed):
            raise TypeError(f"a judge is answered with {type(reply).__name__}")
        parser = asked.way.parser
        return Entry(
            key(self.model, asked),
            self.judge,
            self.prompt,
            self.model,
            parser.name,
            asked.case.query_id,
            asked.case.document_id,
            asked.step,
            asked.attempt,
            parser.read(reply),
            text=reply.text if isinstance(reply, Completed) else None,
            logprobs=reply.logprobs if isinstance(reply, Chosen) else None,
            tokens_in=reply.usage.tokens_in,
            tokens_out=reply.usage.tokens_out,
            cut=isinstance(reply, Completed) and reply.cut,
            cached=reply.usage.cached,
            time=round(time.time(), 3),
        )


def key(model: str, asked: Asked) -> str:
    """Return the key of a question to a model: a hash of all that decides what is read."""
    whole = f"{request_key(model, asked.way.request)} {asked.way.parser.name}"
    return hashlib.sha256(whole.encode()).hexdigest()


def read_ledger(file: Path) -> list[Entry]:
    """Return the entries of a ledger, in the order in which they were written.

    Raises:
        BadCollection: a line is damaged; the message names it.
    """
    if not file.is_file():
        return []
    entries = []
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                entries.append(msgspec.json.decode(line, type=Entry))
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise BadCollection(
                    f"{file}:{number} is damaged: {error}: delete the line to ask that question "
                    "again"
                ) from None
    return entries


def _mend(file: Path) -> None:
    """Take off what stands after the last line end: a line that was not written to its end."""
    if not file.is_file():
        return
    with file.open("rb+") as found:
        end = found.seek(0, os.SEEK_END)
        keep = end
        while keep > 0:
            start = max(0, keep - 65_536)
            found.seek(start)
            at = found.read(keep - start).rfind(b"\n")
            if at >= 0:
                keep = start + at + 1
                break
            keep = start
        if keep < end:
            found.truncate(keep)
