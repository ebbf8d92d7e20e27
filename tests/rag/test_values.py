"""Values never change, copy to themselves, and order their rankings the same way every time."""

import copy
import dataclasses
import inspect
import pkgutil
from dataclasses import FrozenInstanceError, replace
from importlib import import_module
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import values
from rag.values import (
    Answer,
    Candidate,
    Chunk,
    Document,
    Fault,
    Frozen,
    Hit,
    Point,
    Query,
    Results,
    SparseVector,
    breaks_of,
    ranked,
)

VALUES = [
    kind
    for _, kind in inspect.getmembers(values, inspect.isclass)
    if kind.__module__.startswith(values.__name__) and kind is not Frozen
]
DATACLASSES = [kind for kind in VALUES if not issubclass(kind, tuple)]


def test_every_value_is_imported_from_the_package() -> None:
    names = [f"{values.__name__}.{file.name}" for file in pkgutil.iter_modules(values.__path__)]
    made = {
        name
        for module in map(import_module, names)
        for name, thing in vars(module).items()
        if getattr(thing, "__module__", "") == module.__name__ and not name.startswith("_")
    }
    assert made
    assert made <= set(values.__all__)


def test_only_hits_are_tuples() -> None:
    assert set(VALUES) - set(DATACLASSES) == {Hit}
    with pytest.raises(AttributeError):
        Hit("a", 1.0).score = 2.0  # type: ignore[misc]  # that is the point


@pytest.mark.parametrize("kind", DATACLASSES, ids=lambda kind: kind.__name__)
def test_every_other_value_is_a_frozen_slotted_dataclass(kind: type) -> None:
    assert dataclasses.is_dataclass(kind)
    assert issubclass(kind, Frozen)
    assert "__slots__" in vars(kind)
    assert not hasattr(object.__new__(kind), "__dict__")
    first = dataclasses.fields(kind)[0].name
    with pytest.raises(FrozenInstanceError):
        setattr(object.__new__(kind), first, "changed")


@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)
def test_every_value_copies_to_itself(kind: type) -> None:
    value = Hit("a", 1.0) if kind is Hit else object.__new__(kind)
    assert copy.copy(value) is value
    assert copy.deepcopy(value) is value


def test_a_container_of_values_copies_without_copying_them() -> None:
    chunk = Chunk("c", "d", "text", 0, 4, metadata={"tags": ["a"]})
    point = Point(chunk, np.ones(2, np.float32), SparseVector((1,), (1.0,)), 1)
    results = Results(Query("q"), (Candidate(chunk, 1.0, {"bm25": 1}),))
    copied = copy.deepcopy({"results": results, "points": [point]})
    assert copied["results"] is results
    assert copied["points"] == [point]
    assert copied["points"][0] is point


def test_the_indexed_text_is_the_context_a_line_break_and_the_text() -> None:
    assert Chunk("c", "d", "Body.", 0, 5, context="Title › Part").indexed_text == (
        "Title › Part\nBody."
    )
    assert Chunk("c", "d", "Body.", 0, 5, title="Title").indexed_text == "Body."


def test_a_fault_names_the_line_where_there_is_one() -> None:
    assert str(Fault("a.jsonl", 3, "no _id")) == "a.jsonl:3: no _id"
    assert str(Fault("a.pdf", 0, "binary")) == "a.pdf: binary"


def test_a_ranking_is_highest_first_with_ties_by_chunk_id() -> None:
    assert ranked({"c": 1.0, "a": 0.5, "b": 1.0, "d": -2.0}) == (
        Hit("b", 1.0),
        Hit("c", 1.0),
        Hit("a", 0.5),
        Hit("d", -2.0),
    )
    assert ranked({}) == ()


def test_zero_and_minus_zero_tie() -> None:
    assert [hit.chunk_id for hit in ranked({"b": 0.0, "a": -0.0})] == ["a", "b"]


def test_the_defaults_of_values_are_not_shared_by_accident() -> None:
    one, other = Document("1", "x"), Document("2", "y")
    assert one.metadata == {} == other.metadata
    assert one.metadata is not other.metadata
    assert Query("q").where == ()
    assert Answer(Query("q"), "").sentences == ()


@given(
    st.lists(st.integers(1, 60), max_size=8, unique=True),
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), min_size=1, max_size=5),
)
def test_pages_are_right_in_what_chunks_make_together(
    begins: list[int], spans: list[tuple[int, int]]
) -> None:
    pages = (0, *sorted(begins))

    def chunk(start: int, end: int) -> Chunk:
        inside = tuple(page for page in pages if start < page < end)
        page = sum(page <= start for page in pages)
        return Chunk("c", "d", "x" * (end - start), start, end, page=page, breaks=inside)

    chunks = [chunk(start, start + length) for start, length in sorted(spans)]
    end = max(one.end for one in chunks)
    if any(b.start > a.end for a, b in pairwise(chunks)) or any(
        b.end < a.end for a, b in pairwise(chunks)
    ):
        return  # only what follows, touches or overlaps is joined, and grows
    joined = replace(chunk(chunks[0].start, end), breaks=breaks_of(chunks))
    for offset in range(joined.start, end):
        assert joined.page_at(offset) == sum(page <= offset for page in pages)
