"""The processes that convert files side by side, begun when a file first needs them."""

import contextlib
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Pipe

from indexers.reading.inputs import Input, OfBytes, OfFile, Read, read_all
from indexers.reading.opening import faulted
from rag.sections import IndexSettings

_PIECES = 4  # of a file that wait to be taken
_PATIENCE_S = 5.0  # chosen: what ends by itself, and closed its pipes, is gone by then
_CODE = (
    "import sys; sys.path[:] = sys.argv[4:]; from indexers.reading.worker import serve; "
    "serve(*map(int, sys.argv[1:4]))"
)
_Pieces = queue.Queue[list[Read] | BaseException | None]


class _Worker:
    """A process and the pipes to and from it."""

    def __init__(self, limits: IndexSettings) -> None:
        asked, self._ask = Pipe(duplex=False)
        self._given, give = Pipe(duplex=False)
        handles = (asked.fileno(), give.fileno())
        # Not multiprocessing's own processes: those run the caller's main module once more.
        self.process = subprocess.Popen(  # noqa: S603 - our own code
            [
                *(sys.executable, "-c", _CODE, *map(str, (*handles, limits.worker_bytes))),
                *sys.path,
            ],
            pass_fds=handles,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        asked.close()
        give.close()

    def convert(self, input_: Input) -> Iterator[list[Read]]:
        """Yield what it gives of an input.

        Raises:
            EOFError, OSError: it has ended.
        """
        self._ask.send(input_)
        while (piece := self._given.recv()) is not None:
            yield piece

    def end(self, patience_s: float = 0.0) -> int:
        """Return how the process ended; where it has not, it is ended."""
        self._ask.close()
        self._given.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(patience_s)
        self.process.kill()
        return self.process.wait()


class Workers:
    """So many processes; what is asked for is given in the order of asking."""

    def __init__(self, limits: IndexSettings) -> None:
        self._limits = limits
        self._jobs: queue.Queue[tuple[Input, _Pieces] | None] = queue.Queue()
        self._threads: list[threading.Thread] = []
        self._running: set[_Worker] = set()
        self._closed = threading.Event()

    def read(self, input_: Input) -> Iterator[Read]:
        """Begin to convert an input, and return what it holds."""
        pieces: _Pieces = queue.Queue(_PIECES)
        self._jobs.put((input_, pieces))
        if len(self._threads) < self._limits.workers:
            thread = threading.Thread(target=self._serve, name="reading", daemon=True)
            self._threads.append(thread)
            thread.start()
        return _taken(pieces)

    def close(self) -> None:
        """End the processes, whatever they do."""
        self._closed.set()
        for _ in self._threads:
            self._jobs.put(None)
        for worker in tuple(self._running):
            with contextlib.suppress(ProcessLookupError):
                worker.process.kill()
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        worker: _Worker | None = None
        try:
            while (job := self._jobs.get()) and not self._closed.is_set():
                input_, pieces = job
                try:
                    worker = self._convert(worker, input_, pieces)
                except BaseException as error:  # noqa: BLE001 - raised where it is waited for
                    self._put(pieces, error)
                self._put(pieces, None)
        finally:
            if worker is not None:
                self._end(worker)

    def _convert(self, worker: _Worker | None, input_: Input, pieces: _Pieces) -> _Worker | None:
        """Convert an input with a worker, a new one if there is none, and return who is left."""
        for item in faulted(input_, lambda given: iter([_portable(given)])):
            if not isinstance(item, Input):  # the archive that it lies in is damaged
                self._put(pieces, [item])
                return worker
            if worker is None:
                worker = _Worker(self._limits)
                self._running.add(worker)
                if self._closed.is_set():  # after `close` looked for whom to end
                    return worker
            try:
                for piece in worker.convert(item):
                    self._put(pieces, piece)
            except (EOFError, OSError):
                how = self._end(worker, _PATIENCE_S)
                self._put(pieces, [input_.fault(_why(how, self._limits))])
                return None
        return worker

    def _end(self, worker: _Worker, patience_s: float = 0.0) -> int:
        self._running.discard(worker)
        return worker.end(patience_s)

    def _put(self, pieces: _Pieces, piece: list[Read] | BaseException | None) -> None:
        while not self._closed.is_set():
            with contextlib.suppress(queue.Full):
                pieces.put(piece, timeout=0.1)
                return


def _taken(pieces: _Pieces) -> Iterator[Read]:
    while (piece := pieces.get()) is not None:
        if isinstance(piece, BaseException):
            raise piece
        yield from piece


def _portable(input_: Input) -> Input:
    """Return an input that can be sent to another process."""
    if isinstance(input_.opener, OfFile | OfBytes):
        return input_
    with input_.opener() as stream:
        return replace(input_, opener=OfBytes(read_all(stream, input_.limits)))


def _why(how: int, limits: IndexSettings) -> str:
    if how == -signal.SIGALRM:
        return f"it takes more than {limits.file_seconds:g} s (index.file_seconds)"
    signals = {each.value: each.name for each in signal.Signals}
    return f"the parser crashed ({signals.get(-how, f'exit code {how}')}): a damaged file?"
