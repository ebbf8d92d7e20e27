"""CLAP NQ: questions with the sentences that people selected, and whether they can be answered."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from eval.data.collection import numbered_lines
from rag.values import Frozen


@dataclass(frozen=True, slots=True)
class Asked(Frozen):
    """A question; `selected` are the sentences of each annotation that has any, by their text.

    By text, for some passages stand in the collection twice. `answers` are what people wrote.
    """

    id: str
    question: str
    answerable: bool
    selected: tuple[frozenset[str], ...]
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage(Frozen):
    """The sentences of a passage, where each stands, and what the index reads of it."""

    sentences: tuple[str, ...]
    places: tuple[tuple[int, int], ...]
    indexed: str


class _Output(msgspec.Struct):
    answer: str
    selected_sentences: list[str]


class _Said(msgspec.Struct):
    answerable: bool
    output: list[_Output]


class _Query(msgspec.Struct):
    id: str = msgspec.field(name="_id")
    text: str
    metadata: _Said


class _Cut(msgspec.Struct):
    sentences: list[str]


class _Document(msgspec.Struct):
    id: str = msgspec.field(name="_id")
    title: str
    text: str
    metadata: _Cut


def read_asked(folder: Path) -> tuple[Asked, ...]:
    """Return the questions of the collection, in the file's order."""
    return tuple(
        _asked(msgspec.json.decode(line, type=_Query))
        for _, line in numbered_lines(folder / "queries.jsonl")
    )


def _asked(query: _Query) -> Asked:
    outputs = [output.selected_sentences for output in query.metadata.output]
    selected = tuple(frozenset(texts) for texts in outputs if texts)
    answers = tuple(one.answer for one in query.metadata.output if one.answer.strip())
    return Asked(query.id, query.text, query.metadata.answerable, selected, answers)


def sentences_of(folder: Path) -> dict[str, Passage]:
    """Return the passages by id, in the file's order."""
    lines = numbered_lines(folder / "corpus.jsonl.gz")
    documents = (msgspec.json.decode(line, type=_Document) for _, line in lines)
    return {document.id: _passage(document) for document in documents}


def _passage(document: _Document) -> Passage:
    places, end = [], 0
    for text in document.metadata.sentences:
        start = document.text.index(text, end)
        end = start + len(text)
        places.append((start, end))
    indexed = f"{document.title}\n{document.text}"
    return Passage(tuple(document.metadata.sentences), tuple(places), indexed)


def overlap(ours: frozenset[str], theirs: frozenset[str]) -> float:
    """Return the F1 of two sets of sentences.

    >>> overlap(frozenset({"One.", "Two."}), frozenset({"Two."}))
    0.6666666666666666
    """
    return 2 * len(ours & theirs) / (len(ours) + len(theirs)) if ours & theirs else 0.0
