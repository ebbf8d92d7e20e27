"""Systems to compare: folders that `firstcite eval answers` wrote, and which answer is better."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from eval.answers.axes import COVERAGE, GROUNDEDNESS
from eval.answers.preferring import Pair, Winner
from eval.data.collection import numbered_lines
from rag.errors import BadCollection
from rag.values import Frozen

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class System(Frozen):
    """A folder that `firstcite eval answers` wrote: questions and answers by query id, figures.

    `scores` are by judge, query id and figure.
    """

    folder: Path
    questions: Mapping[str, str]
    answers: Mapping[str, str]
    scores: Mapping[str, Mapping[str, Mapping[str, float | None]]]


class _Sentence(msgspec.Struct):
    text: str


class _Answer(msgspec.Struct):
    topic_id: str
    topic: str
    answer: list[_Sentence]


class _Scores(msgspec.Struct):
    id: str = msgspec.field(name="_id")
    judges: dict[str, dict[str, float | None]]


def read_system(folder: Path) -> System:
    """Return the answers of a folder and what judges said of them.

    Raises:
        BadCollection: it holds no answers, or a malformed line.
    """
    questions, answers = {}, {}
    for row in _rows(folder / "answers.jsonl", _Answer):
        questions[row.topic_id] = row.topic
        answers[row.topic_id] = " ".join(one.text for one in row.answer)
    scores: dict[str, dict[str, Mapping[str, float | None]]] = {}
    for one in _rows(folder / "scores.jsonl", _Scores):
        for judge, found in one.judges.items():
            scores.setdefault(judge, {})[one.id] = found
    return System(folder, questions, answers, scores)


def _rows(file: Path, kind: type[T]) -> Iterator[T]:
    if not file.is_file():
        raise BadCollection(f"{file} is missing: name a folder that `firstcite eval answers` wrote")
    for number, line in numbered_lines(file):
        try:
            yield msgspec.json.decode(line, type=kind)
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadCollection(
                f"{file}:{number}: no {kind.__name__[1:].lower()}: {error}"
            ) from None


def pairs(a: System, b: System) -> tuple[Pair, ...]:
    """Return the questions that both were asked, in a's order, with their answers.

    Raises:
        BadCollection: there is none.
    """
    found = tuple(
        Pair(query_id, question, a.answers[query_id], b.answers[query_id])
        for query_id, question in a.questions.items()
        if query_id in b.answers
    )
    if not found:
        raise BadCollection(f"{a.folder} and {b.folder} answer no question in common")
    return found


def dominant(a: Mapping[str, float | None], b: Mapping[str, float | None]) -> Winner | None:
    """Return whose answer is better on one axis and no worse on the other, else a tie.

    None where on no axis there is a figure of both.

    >>> dominant({"W": 0.5, "WR all": 1.0}, {"W": 0.2, "WR all": 1.0})
    'a'
    >>> dominant({"W": 0.5, "WR all": 0.5}, {"W": 0.2, "WR all": 1.0})
    'tie'
    """
    signs = set()
    for axis in (COVERAGE, GROUNDEDNESS):
        ours, theirs = a.get(axis), b.get(axis)
        if ours is not None and theirs is not None:
            signs.add((ours > theirs) - (ours < theirs))
    if not signs:
        return None
    return "a" if signs in ({1}, {1, 0}) else "b" if signs in ({-1}, {-1, 0}) else "tie"
