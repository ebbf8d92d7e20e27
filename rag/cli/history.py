"""What was said before a question: JSON lines become the history of a query."""

from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from api.requests import MAX_TURNS, Turn
from rag.errors import BadQuery
from rag.plan import MAX_QUERY_CHARS
from rag.values import Prompt

_LINE_BYTES = 16 * MAX_QUERY_CHARS  # JSON may write a character in 12
_REMEDY = 'write {"role": "user" or "assistant", "content": "…"}'


def read_history(lines: BinaryIO) -> Prompt:
    """Return the turns, the oldest first; blank lines are passed over.

    Args:
        lines: one JSON object per line, under the limits of the HTTP API.

    Raises:
        BadQuery: a line is no turn, or there are too many; it names the line.
    """
    name = getattr(lines, "name", "history")
    name = "standard input" if name == "<stdin>" else name
    turns: list[Turn] = []
    for number, line in _numbered(lines, name):
        if len(turns) == MAX_TURNS:
            raise BadQuery(f"{name}, line {number}: over {MAX_TURNS} turns: give the last ones")
        try:
            turns.append(msgspec.json.decode(line, type=Turn))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadQuery(f"{name}, line {number}: {error}: {_REMEDY}") from None
    return tuple(turn.said() for turn in turns)


def _numbered(lines: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank with their numbers; a longer one is never read whole."""
    number = 0
    while line := lines.readline(_LINE_BYTES + 1):
        number += 1
        if len(line) > _LINE_BYTES:
            raise BadQuery(f"{name}, line {number}: longer than {_LINE_BYTES:,} bytes: shorten it")
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if line.strip():
            yield number, line
