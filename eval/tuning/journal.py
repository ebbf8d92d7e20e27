"""What a study has evaluated, kept: a JSON object a line, whole or not there."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

import msgspec

from eval.tuning.values import Trial
from rag.errors import BadInput

NAME = "study.jsonl"


class Head(msgspec.Struct, frozen=True):
    """The first line: which study it is."""

    name: str
    study: str


class Journal:
    """The file of a study, open to be added to; `trials` are those that are there.

    Args:
        file: open for reading and writing.
        head: of the study that is done.

    Raises:
        BadInput: another study's.
    """

    def __init__(self, file: FileIO, head: Head) -> None:
        self._file = file
        lines = self._lines()
        self.trials = [msgspec.json.decode(line, type=Trial) for line in lines[1:]]
        if not lines:
            self._write(head)
        elif (before := msgspec.json.decode(lines[0], type=Head)) != head:
            raise BadInput(
                f"{Path(str(file.name)).parent} holds another study, '{before.name}': what it "
                "evaluated was of another file, settings or collection. Name another folder, or "
                f"delete {NAME} there"
            )

    def add(self, trial: Trial) -> None:
        """Keep a trial."""
        self.trials.append(trial)
        self._write(trial)

    def _lines(self) -> list[bytes]:
        """Return the lines that are there; what a killed run has left of one is cut away."""
        text = self._file.readall()
        whole = text.rfind(b"\n") + 1
        self._file.truncate(whole)
        self._file.seek(whole)
        return text[:whole].splitlines()

    def _write(self, value: Head | Trial) -> None:
        self._file.write(msgspec.json.encode(value) + b"\n")


@contextmanager
def journal(folder: Path, head: Head) -> Iterator[Journal]:
    """Give the journal of a study.

    Raises:
        BadInput: another study's lies in the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / NAME
    file.touch()
    with file.open("r+b", buffering=0) as opened:
        yield Journal(opened, head)
