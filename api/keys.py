"""API keys: a file of their hashes, which says who may do what; a key itself is shown once.

A key is 256 random bits, so that one round of SHA-256 is enough: there is nothing to guess.
"""

import hashlib
import hmac
import os
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from filelock import FileLock
from msgspec import Struct

from api.callers import Caller, Role
from rag.errors import BadSettings, NotFound, Unavailable
from rag.values import DEFAULT_TENANT

PREFIX = "fc"
_VERSION = 1
_NOBODY = hashlib.sha256(b"").hexdigest()  # compared with where there is no such key
_LONGEST = 200  # characters: nothing longer is a key


class Key(Struct, frozen=True, forbid_unknown_fields=True):
    """A key without its secret: what is kept of it.

    `tenant` is whose documents it reaches, "*" whichever the request names. `principals` are the
    names it may read as; None lets the request say which, or none, for programs that are trusted.
    """

    id: str
    name: str
    hash: str
    role: Role = "read"
    tenant: str = DEFAULT_TENANT
    principals: tuple[str, ...] | None = None
    created: str = ""

    @property
    def caller(self) -> Caller:
        """Who sends this key."""
        return Caller(self.name, self.role, self.tenant, self.principals, self.id)


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    keys: tuple[Key, ...] = ()


class Keyring:
    """The keys of a file; one that does not exist has none. Changes count from the next request on.

    Raises:
        BadSettings: the file cannot be read.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._seen: tuple[int, int, int] | None = None
        self._keys: dict[str, Key] = {}
        self._load()

    @property
    def keys(self) -> Sequence[Key]:
        """Every key, the oldest first.

        Raises:
            BadSettings: the file cannot be read.
        """
        self._load()
        return tuple(self._keys.values())

    @property
    def required(self) -> bool:
        """Whether there is a file of keys, be it one without any.

        Raises:
            Unavailable: as `find`.
        """
        self._current()
        return self._seen is not None

    def find(self, presented: str) -> Key | None:
        """Return the key that was presented, or None. It takes the same time whether there is one.

        Raises:
            Unavailable: the file was damaged or deleted since; nobody gets in until it is there.
        """
        key = self._current().get(_id(presented))
        same = hmac.compare_digest(_hashed(presented), key.hash if key else _NOBODY)
        return key if same else None

    def add(
        self,
        name: str,
        role: Role = "read",
        tenant: str = DEFAULT_TENANT,
        principals: Sequence[str] | None = None,
    ) -> tuple[str, Key]:
        """Make a key; return it, which is never shown again, and what is kept of it.

        Raises:
            BadSettings: the file cannot be read.
            OSError: it cannot be written.
        """
        id_ = secrets.token_hex(4)
        made = f"{PREFIX}_{id_}_{secrets.token_urlsafe(32)}"
        named = None if principals is None else tuple(principals)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        key = Key(id_, name, _hashed(made), role, tenant, named, now)
        with self._changing():
            self._write([*self.keys, key])
        return made, key

    def revoke(self, id_: str) -> Key:
        """Delete a key; return what it was.

        Raises:
            NotFound: there is none of that id.
            BadSettings: the file cannot be read.
            OSError: it cannot be written.
        """
        with self._changing():
            kept = [key for key in self.keys if key.id != id_]
            gone = self._keys.get(id_)
            if gone is None:
                raise NotFound(f"no key has the id '{id_}': firstcite keys list shows them")
            self._write(kept)
        return gone

    def _changing(self) -> FileLock:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(f"{self.file}.lock", timeout=10)

    def _current(self) -> Mapping[str, Key]:
        before = self._seen
        try:
            self._load()
        except BadSettings as error:
            raise Unavailable(str(error)) from error
        if before and self._seen is None:
            self._seen = before
            raise Unavailable(f"server.keys: {self.file} is gone: restore it, or start anew")
        return self._keys

    def _load(self) -> None:
        """Read the file if it is another than before."""
        try:
            stat = self.file.stat()
        except FileNotFoundError:
            self._seen, self._keys = None, {}
            return
        seen = stat.st_mtime_ns, stat.st_size, stat.st_ino
        if seen == self._seen:
            return
        try:
            found = msgspec.json.decode(self.file.read_bytes(), type=_File)
        except (msgspec.MsgspecError, UnicodeDecodeError, OSError) as error:
            raise BadSettings(
                f"server.keys: {self.file} is no file of keys ({error}): restore it, or delete it "
                "and make new ones with firstcite keys add"
            ) from error
        if found.version != _VERSION:
            raise BadSettings(
                f"server.keys: {self.file} has version {found.version}, and this FirstCite reads "
                f"{_VERSION}: install a newer one"
            )
        self._keys, self._seen = {key.id: key for key in found.keys}, seen

    def _write(self, keys: Sequence[Key]) -> None:
        """Replace the file as a whole; nobody but its owner may read it."""
        encoded = msgspec.json.format(msgspec.json.encode(_File(_VERSION, tuple(keys))))
        handle, scratch = tempfile.mkstemp(dir=self.file.parent, prefix=".keys-")
        try:
            with os.fdopen(handle, "wb") as opened:
                opened.write(encoded + b"\n")
            Path(scratch).replace(self.file)
        except OSError:
            with suppress(OSError):
                Path(scratch).unlink()
            raise
        self._load()


def _id(presented: str) -> str:
    parts = presented.split("_", 2) if len(presented) <= _LONGEST else []
    return parts[1] if len(parts) == 3 and parts[0] == PREFIX else ""


def _hashed(presented: str) -> str:
    return hashlib.sha256(presented[: 2 * _LONGEST].encode()).hexdigest()
