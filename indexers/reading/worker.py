"""A process that converts files: what a parser does to it, it does to nobody else.

It has no network and starts no programs. It ends itself when a file takes too long, or its parent
has ended.
"""

import resource
import signal
import sys
from collections.abc import Iterator
from multiprocessing.connection import Connection
from time import monotonic

from indexers.reading.inputs import Input, OfFile, Read, Unreadable, reason_of, refuse_large
from indexers.reading.opening import read_here

PIECE = 64  # chosen: documents sent together
PIECE_CHARS = 1 << 20
PIECE_SECONDS = 1.0
_RECURSION = 20_000  # chosen: pages nest deeper than Python's default; the timer holds the rest off
_FORBIDDEN = ("socket.connect", "socket.getaddrinfo", "socket.bind", "subprocess.", "os.system")
_FORBIDDEN_TOO = ("os.exec", "os.posix_spawn", "os.fork", "os.remove", "os.rename", "shutil.")


def serve(receive: int, send: int, most_bytes: int) -> None:
    """Convert the inputs that come until there is no more: pieces, then None, for each."""
    resource.setrlimit(resource.RLIMIT_DATA, (most_bytes, most_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.setrecursionlimit(_RECURSION)
    sys.addaudithook(_refuse)
    asked, given = Connection(receive, writable=False), Connection(send, readable=False)
    while True:
        try:
            input_ = asked.recv()
        except EOFError:
            return
        _convert(input_, given)


def _refuse(event: str, _: tuple[object, ...]) -> None:
    if event.startswith((*_FORBIDDEN, *_FORBIDDEN_TOO)):
        raise PermissionError(f"{event}: files are read and nothing else")


def _convert(input_: Input, given: Connection) -> None:
    seconds = input_.limits.file_seconds
    pieces = _pieces(input_)
    while True:
        signal.setitimer(signal.ITIMER_REAL, seconds)  # nobody handles it: it ends the process
        piece = next(pieces, None)
        signal.setitimer(signal.ITIMER_REAL, 0)  # waiting to be heard is not the file's time
        given.send(piece)
        if piece is None:
            return


def _pieces(input_: Input) -> Iterator[list[Read]]:
    piece: list[Read] = []
    chars, begun = 0, monotonic()
    for item in _items(input_):
        piece.append(item)
        chars += len(getattr(item, "text", ""))
        if len(piece) >= PIECE or chars >= PIECE_CHARS or monotonic() - begun > PIECE_SECONDS:
            yield piece
            piece, chars, begun = [], 0, monotonic()
    if piece:
        yield piece


def _items(input_: Input) -> Iterator[Read]:
    try:
        if isinstance(input_.opener, OfFile):
            refuse_large(input_.opener.path, input_.limits)
        yield from read_here(input_)
    except Unreadable as error:
        yield input_.fault(error.reason)
    except OSError as error:
        yield input_.fault(reason_of(error))
    except MemoryError:
        yield input_.fault(
            f"it needs more memory than {input_.limits.worker_bytes:,} bytes (index.worker_bytes)"
        )
    except RecursionError:
        yield input_.fault("nested too deep")
    except Exception as error:  # noqa: BLE001 - a parser may fail on a bad file in any way
        reason = f"{type(error).__name__}: {error}".rstrip(": ")
        yield input_.fault(f"damaged, or not what its name says: {reason[:300]}")
