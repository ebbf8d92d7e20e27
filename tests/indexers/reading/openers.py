"""Openers that do to a worker what a bad file may do to a parser; a worker imports them."""

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from io import BytesIO

from indexers.reading.inputs import OfBytes


@dataclass(frozen=True, slots=True)
class Hanging(OfBytes):
    def __call__(self) -> BytesIO:
        time.sleep(60)
        return BytesIO(self.data)


@dataclass(frozen=True, slots=True)
class Crashing(OfBytes):
    def __call__(self) -> BytesIO:
        os.kill(os.getpid(), signal.SIGSEGV)
        return BytesIO(self.data)


@dataclass(frozen=True, slots=True)
class Devouring(OfBytes):
    def __call__(self) -> BytesIO:
        return BytesIO(b"x" * (4 << 30))


@dataclass(frozen=True, slots=True)
class Connecting(OfBytes):
    def __call__(self) -> BytesIO:
        socket.create_connection(("127.0.0.1", 9))
        return BytesIO(self.data)


@dataclass(frozen=True, slots=True)
class Starting(OfBytes):
    def __call__(self) -> BytesIO:
        subprocess.run(["true"], check=True)
        return BytesIO(self.data)
