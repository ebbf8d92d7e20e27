"""Serving an engine until asked to end, in this process or in several that share a socket."""

import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from socket import socket
from types import FrameType
from typing import TypeAlias

from uvicorn import Config

from api.app import create_app
from api.listening import server_of
from api.logs import log_config
from api.metering import forget_process
from api.patience import Limits
from rag.errors import RagError, Unavailable
from rag.settings import Settings, for_workers
from rag.wiring import Engine

Load: TypeAlias = Callable[[Settings], Engine]

AGAIN_S = 1.0  # chosen: a process that dies is replaced no sooner
DRAIN_S = 30  # what Kubernetes gives
_LATE_S = 10.0  # chosen: what does not end by then, after that, is killed
_FAILED = 4  # the exit code of a process that could not load what it serves
_POLL_S = 0.1

_log = logging.getLogger("uvicorn.error")


def serve(settings: Settings, load: Load, sockets: list[socket] | None = None) -> None:
    """Serve in this process until it is asked to end (SIGINT, SIGTERM).

    Args:
        settings: those of the server say where, and how.
        load: builds the engine.
        sockets: where, instead.

    Raises:
        BadSettings: the settings cannot be used.
        Exception: what loading raised.
        SystemExit: 1, it cannot listen there; why has been said.
    """
    failures: list[Exception] = []

    def failed(error: Exception) -> None:
        failures.append(error)
        server.should_exit = True

    app = create_app(settings, lambda: load(settings), failed)
    of = settings.server
    server = server_of(
        app,
        host=of.host,
        port=of.port,
        limits=Limits(of.max_connections, of.patience_s),
        drain_s=DRAIN_S,
        log_config=log_config(texts=of.log_texts),
    )
    # Being asked to end is no failure: exit code 0, where uvicorn alone would die by the signal.
    signal.signal(signal.SIGTERM, server.handle_exit)
    try:
        server.run(sockets)
    except SystemExit:  # uvicorn has said why it cannot listen; its code 3 means another thing here
        raise SystemExit(1) from None
    if failures:
        raise failures[0]


def serve_by_workers(settings: Settings, load: Load) -> None:
    """Serve in `server.workers` processes until this one is asked to end; who dies is replaced.

    Args:
        settings: those of the server say where, and how.
        load: builds the engine of each; it must be picklable.

    Raises:
        Unavailable: a process could not load what it serves; why has been said.
        SystemExit: 1, it cannot listen there; why has been said.
    """
    of = settings.server
    asked = threading.Event()

    def ask(_: int, __: FrameType | None) -> None:
        asked.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    listening = Config("", host=of.host, port=of.port).bind_socket()
    with tempfile.TemporaryDirectory(prefix="firstcite-figures-") as figures, listening:
        for_workers(of.workers, Path(figures))
        workers = [_started(settings, load, listening) for _ in range(of.workers)]
        try:
            _keep(workers, lambda: _started(settings, load, listening), asked)
        finally:
            _end(workers)


def _keep(
    workers: list[BaseProcess], another: Callable[[], BaseProcess], asked: threading.Event
) -> None:
    """Replace whoever dies, until asked to end."""
    while not asked.wait(_POLL_S):
        for place, worker in enumerate(workers):
            if worker.is_alive():
                continue
            if worker.exitcode == _FAILED:
                raise Unavailable("the server cannot begin: see above")
            forget_process(worker.pid or 0)
            _log.error("process %s died (%s): another takes its place", worker.pid, worker.exitcode)
            if not asked.wait(AGAIN_S):
                workers[place] = another()


def _end(workers: list[BaseProcess]) -> None:
    """Let everybody finish what they have begun."""
    for worker in workers:
        worker.terminate()
    ends = time.monotonic() + DRAIN_S + _LATE_S
    for worker in workers:
        worker.join(max(0.0, ends - time.monotonic()))
        worker.kill()
        worker.join()


def _started(settings: Settings, load: Load, listening: socket) -> BaseProcess:
    process = multiprocessing.get_context("spawn").Process(
        target=_work, args=(settings, load, listening), name="firstcite-worker"
    )
    process.start()
    return process


def _work(settings: Settings, load: Load, listening: socket) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        serve(settings, load, [listening])
    except RagError as error:
        sys.stderr.write(f"firstcite: {error}\n")
        raise SystemExit(_FAILED) from None


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
