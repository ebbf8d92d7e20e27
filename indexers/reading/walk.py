"""Which files a path stands for: nothing outside it is looked at, whatever links lead there."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from indexers.reading.formats import format_of
from indexers.reading.inputs import printable
from rag.values import Fault, Frozen


@dataclass(frozen=True, slots=True)
class Found(Frozen):
    """A file: where it lies, where it is opened (a link's target), and its document's id."""

    path: Path
    target: Path
    id: str


def files(path: Path) -> Iterator[Found | Fault]:
    """Yield the files that a path stands for, in a fixed order.

    The id is the path from the named folder on, with that folder's own name, in POSIX form; inside
    a BEIR folder it is the path inside `corpus/`. It does not depend on the working folder. Links
    to folders are not followed, links to files only where they lead to others in the same folder.
    """
    path = path.absolute()
    if not path.is_dir():
        yield _checked(path, Found(path, Path(os.path.realpath(path)), path.name))
        return
    corpus = beir_corpus(path)
    root = path.resolve()
    if corpus is None:
        yield from _below(root, root, root.parent)
    elif corpus.is_dir() and _within(root, corpus):
        yield from _below(root, corpus, corpus)
    else:
        yield _found(root, corpus, corpus.name)


def _below(root: Path, folder: Path, base: Path) -> Iterator[Found | Fault]:
    for file, unlisted in sorted(_walk(folder).items()):
        if unlisted:
            reason = f"a folder that cannot be listed: {unlisted}"
            yield Fault(printable(str(file)), 0, reason)
        else:
            yield _found(root, file, file.relative_to(base).as_posix())


def _walk(root: Path) -> dict[Path, str]:
    """Return the files below that have a reader, and with the reason, folders not listed."""
    found: dict[Path, str] = {}

    def note(error: OSError) -> None:
        found[Path(error.filename)] = error.strerror or str(error)

    for folder, folders, names in os.walk(root, onerror=note):
        folders[:] = [name for name in folders if not name.startswith(".")]
        shown = (Path(folder, name) for name in names if not name.startswith("."))
        found.update((file, "") for file in shown if format_of(file.name))
    return found


def _found(root: Path, file: Path, document_id: str) -> Found | Fault:
    if not _within(root, file):
        reason = "a link that leads out of the named folder: name what it leads to"
        return Fault(printable(str(file)), 0, reason)
    return _checked(file, Found(file, Path(os.path.realpath(file)), document_id))


def _within(root: Path, file: Path) -> bool:
    return Path(os.path.realpath(file)).is_relative_to(root)


def _checked(file: Path, found: Found) -> Found | Fault:
    try:
        str(file).encode()
    except UnicodeEncodeError:
        return Fault(printable(str(file)), 0, "the name is not UTF-8: rename it")
    return found


def beir_corpus(folder: Path) -> Path | None:
    """Return the corpus of a BEIR folder: a file, or a folder of files; None for other folders."""
    for name in ("corpus.jsonl", "corpus.jsonl.gz"):
        if (folder / name).is_file():
            return folder / name
    if (folder / "corpus").is_dir() and (folder / "queries.jsonl").is_file():
        return folder / "corpus"
    return None
