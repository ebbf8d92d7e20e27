"""Questions with their answers and what supports them, a JSON object a line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from eval.data.collection import Qrels, check_kind, numbered_lines
from rag.errors import BadCollection
from rag.values import Frozen

_WANTED = 'wanted is {"id": "1", "question": "Who …?", "answers": ["…"], "ids": ["document"]}'


class _Question(msgspec.Struct, frozen=True):
    question: str
    id: str | int = ""
    answers: tuple[str, ...] = ()
    ids: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Questions(Frozen):
    """Questions by id, their answers, and a grade of 1 for every document that supports one.

    `qrels` lack the questions that nothing supports.
    """

    texts: Mapping[str, str]
    answers: Mapping[str, tuple[str, ...]]
    qrels: Qrels


def read_questions_file(file: Path) -> Questions:
    """Return the questions of a file, in its order; one without an id has its line's number.

    Raises:
        BadCollection: no file, no question, a malformed line, an id that stands twice, a document
            named twice for a question, or ids that are numbers here and strings there.
    """
    if not file.is_file():
        raise BadCollection(f"{file} is missing: name a file of questions; {_WANTED}")
    texts: dict[str, str] = {}
    answers: dict[str, tuple[str, ...]] = {}
    qrels: dict[str, dict[str, int]] = {}
    kinds: dict[str, type] = {}
    for number, line in numbered_lines(file):
        where = f"{file}:{number}"
        row = _read(where, line)
        name = str(row.id) or str(number)
        if row.id != "":
            check_kind(where, "`id`", [row.id], kinds)
        check_kind(where, "`ids`", row.ids, kinds)
        if name in texts:
            raise BadCollection(f"{where}: question '{name}' stands here twice: keep one of them")
        texts[name], answers[name] = row.question, row.answers
        if row.ids:
            qrels[name] = _supporting(where, row.ids)
    if not texts:
        raise BadCollection(f"{file} holds no question: {_WANTED}")
    return Questions(texts, answers, qrels)


def _read(where: str, line: str) -> _Question:
    try:
        row = msgspec.json.decode(line, type=_Question)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadCollection(f"{where}: no question: {error}; {_WANTED}") from None
    if not row.question.strip():
        raise BadCollection(f"{where}: no question: `question` is blank; {_WANTED}")
    return row


def _supporting(where: str, ids: Sequence[str | int]) -> dict[str, int]:
    found = {str(id_): 1 for id_ in ids}
    if len(found) < len(ids):
        raise BadCollection(f"{where}: `ids` names a document twice: name it once")
    if not all(id_.strip() for id_ in found):
        raise BadCollection(f"{where}: `ids` holds a blank id")
    return found
