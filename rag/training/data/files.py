"""Training data as files: a folder with its lines and a manifest that says where they come from."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import msgspec

from rag.errors import BadInput
from rag.folders import written
from rag.training.values import Group, Preference
from rag.values import Frozen

GROUPS, PREFERENCES, MANIFEST = "groups.jsonl", "preferences.jsonl", "manifest.json"
_NAMES = {Group: GROUPS, Preference: PREFERENCES}
_MADE_BY = {Group: "firstcite train data qrels", Preference: "firstcite train data rewrites"}

T = TypeVar("T", Group, Preference)
Facts: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Source(Frozen):
    """What data was made from: a file or folder, its SHA-256, and its licence as it is declared."""

    name: str
    sha256: str
    licence: str = "not declared"


@dataclass(frozen=True, slots=True)
class Manifest(Frozen):
    """Where data comes from.

    `recipe` are the builder and its options, `digest` is one of all that decides the result;
    `counts` say what became of the items, `excluded` is the proof that nothing of named test data
    is there, `where` are commit, machine and versions. `sha256` is the data's.
    """

    sources: tuple[Source, ...]
    recipe: Facts
    counts: Mapping[str, int]
    digest: str = ""
    sha256: str = ""
    excluded: Facts = field(default_factory=dict)
    where: Facts = field(default_factory=dict)


def write(folder: Path, lines: Sequence[Group] | Sequence[Preference], about: Manifest) -> Manifest:
    """Write data and manifest in place of the folder; return the manifest with the data's hash.

    Raises:
        BadInput: there is nothing to write.
    """
    if not lines:
        told = ", ".join(f"{n:,} {what}" for what, n in about.counts.items()) or "no items"
        raise BadInput(f"nothing to train on was made ({told}): give more, or loosen the filters")
    name = _NAMES[type(lines[0])]
    data = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
    about = replace(about, sha256=hashlib.sha256(data).hexdigest())
    with written(folder, "give another --out") as made:
        (made / name).write_bytes(data)
        text = msgspec.json.format(msgspec.json.encode(about))
        (made / MANIFEST).write_bytes(text + b"\n")
    return about


def read(folder: Path, kind: type[T]) -> list[T]:
    """Return the data of a folder, or of a file of such lines.

    Raises:
        BadInput: it is missing, holds something else, or its lines are not what was written.
    """
    file = folder / _NAMES[kind] if folder.is_dir() else folder
    if not file.is_file():
        raise BadInput(f"{file} is missing: make it with {_MADE_BY[kind]} --out {folder}")
    found = list(_lines(file, kind))
    if not found:
        raise BadInput(f"{file} is empty: make it anew with {_MADE_BY[kind]}")
    if folder.is_dir() and (about := manifest(folder)) is not None:
        with file.open("rb") as opened:
            if hashlib.file_digest(opened, "sha256").hexdigest() != about.sha256:
                raise BadInput(
                    f"{file} is not what {MANIFEST} beside it says: it was changed. Make it anew, "
                    f"or give the file itself instead of its folder"
                )
    return found


def manifest(folder: Path) -> Manifest | None:
    """Return the manifest of a folder, None where there is none.

    Raises:
        BadInput: it cannot be read.
    """
    file = folder / MANIFEST
    if not file.is_file():
        return None
    try:
        return msgspec.json.decode(file.read_bytes(), type=Manifest)
    except msgspec.DecodeError as error:
        raise BadInput(f"{file} cannot be read: {error}") from None


def _lines(file: Path, kind: type[T]) -> Iterator[T]:
    ids: set[str] = set()
    with file.open("rb") as opened:
        for number, line in enumerate(opened, start=1):
            if not line.strip():
                continue
            try:
                one = msgspec.json.decode(line, type=kind)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise BadInput(f"{file}:{number}: {error}") from None
            if one.id in ids:
                raise BadInput(f"{file}:{number}: '{one.id}' stands here twice")
            ids.add(one.id)
            if isinstance(one, Group):
                check(one, f"{file}:{number}")
            yield one


def check(group: Group, where: str) -> None:
    """Pass where a group can be trained on.

    Raises:
        BadInput: it has no query, no passage, a blank one, one twice, or a score that is no number.
    """
    texts = [p.text for p in group.passages]
    scores = [p.score for p in group.passages if p.score is not None]
    faults = {
        "its query is blank": not group.query.strip(),
        "it has no passages": not texts,
        "a passage is blank": not all(text.strip() for text in texts),
        "a passage stands in it twice": len({p.id for p in group.passages}) < len(texts),
        "a score is no number": any(not abs(score) < float("inf") for score in scores),
    }
    if told := [fault for fault, found in faults.items() if found]:
        raise BadInput(f"{where}: group '{group.id}' cannot be trained on: {told[0]}")
