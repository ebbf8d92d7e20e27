"""What people say of questions: answers, nuggets, texts that bear on them, and if any is there."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from eval.answers.nuggetizing import Made
from eval.answers.nuggets import Nugget
from eval.data.collection import numbered_lines
from rag.errors import BadCollection
from rag.values import Frozen

_WANTED = (
    'wanted is a line per question, such as {"_id": "1", "answers": ["…"], "nuggets": [{"text": '
    '"…", "importance": "vital"}], "passages": ["…"], "answerable": true}, all but `_id` optional'
)


@dataclass(frozen=True, slots=True)
class Reference(Frozen):
    """What is known of a question beforehand.

    Args:
        answers: by people; several are read as one.
        nuggets: facts that an answer should hold.
        passages: texts that bear on the question: what nuggets are made from, if there are none.
        answerable: whether the collection answers it; None where nobody said.
    """

    answers: tuple[str, ...] = ()
    nuggets: tuple[Nugget, ...] = ()
    passages: tuple[str, ...] = ()
    answerable: bool | None = None


class _Row(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    id: str | int = msgspec.field(name="_id")
    answers: tuple[str, ...] = ()
    nuggets: tuple[Nugget, ...] = ()
    passages: tuple[str, ...] = ()
    answerable: bool | None = None


def read_references(file: Path, queries: Collection[str]) -> Mapping[str, Reference]:
    """Return what a file says, by query id.

    Raises:
        BadCollection: a malformed line, an id that stands twice, or one that is no query's; the
            message names file and line.
    """
    found: dict[str, Reference] = {}
    for number, line in numbered_lines(file):
        where = f"{file}:{number}"
        try:
            row = msgspec.json.decode(line, type=_Row)
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadCollection(f"{where}: no reference: {error}; {_WANTED}") from None
        query_id = str(row.id)
        if query_id in found:
            raise BadCollection(f"{where}: query '{query_id}' stands here twice")
        if query_id not in queries:
            raise BadCollection(f"{where}: there is no query '{query_id}' in queries.jsonl")
        answers = tuple(text for text in row.answers if text.strip())
        found[query_id] = Reference(answers, row.nuggets, row.passages, row.answerable)
    return found


def made(references: Mapping[str, Reference], nuggets: Mapping[str, Made]) -> dict[str, Reference]:
    """Return the references, and with them the nuggets that were made."""
    return dict(references) | {
        query_id: replace(references.get(query_id, Reference()), nuggets=one.nuggets)
        for query_id, one in nuggets.items()
    }


def write_references(references: Mapping[str, Reference], file: Path) -> None:
    """Write what `read_references` reads."""
    rows = [
        _Row(query_id, one.answers, one.nuggets, one.passages, one.answerable)
        for query_id, one in references.items()
    ]
    file.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
