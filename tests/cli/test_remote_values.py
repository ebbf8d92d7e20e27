"""What goes over the wire comes back as it was, in everything that is shown."""

import tempfile
from pathlib import Path
from typing import get_args

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from api.replies import AnswerResponse, SearchResponse, answer_response, search_response
from api.requests import AnswerRequest, SearchRequest
from indexers.reading import read_rows
from rag.cli.remote.asking import asked, filter_of
from rag.cli.remote.indexing import row_of
from rag.cli.remote.values import answer_of, results_of
from rag.filters import parse_where
from rag.sections import IndexSettings
from rag.values import (
    Answer,
    Candidate,
    Chunk,
    Citation,
    Condition,
    Contradiction,
    Cost,
    Document,
    Markup,
    Message,
    Query,
    Reference,
    Results,
    Sentence,
    Stage,
    Support,
)

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
NUMBERS = st.integers(0, 99)
SCORES = st.floats(-2, 2)
SUPPORT = st.sampled_from(get_args(Support))
METADATA = st.dictionaries(WORDS, st.one_of(WORDS, NUMBERS, st.booleans(), st.lists(WORDS)))
COSTS = st.builds(Cost, NUMBERS, st.just(0), NUMBERS, NUMBERS, NUMBERS, NUMBERS)
STATUS = st.sampled_from(["ok", "skipped", "cut short", "failed"])
TRACES = st.lists(st.builds(Stage, WORDS, SCORES, STATUS, WORDS, COSTS), max_size=2).map(tuple)
CHUNKS = st.builds(
    Chunk,
    *(WORDS, WORDS, WORDS, NUMBERS, NUMBERS, WORDS, WORDS, WORDS, METADATA),
    page=NUMBERS,
    valid_from=WORDS,
    valid_to=WORDS,
    superseded_by=WORDS,
)
CANDIDATES = st.builds(
    Candidate, CHUNKS, SCORES, st.dictionaries(WORDS, NUMBERS), st.lists(WORDS).map(tuple)
)
CITATIONS = st.builds(
    Citation,
    *(NUMBERS, WORDS, WORDS, WORDS, NUMBERS, NUMBERS, SCORES, SUPPORT, WORDS, WORDS, NUMBERS),
)
CITED = st.lists(CITATIONS, max_size=2).map(tuple)
SENTENCES = st.builds(
    Sentence, WORDS, NUMBERS, NUMBERS, CITED, SUPPORT, st.lists(WORDS, max_size=2).map(tuple)
)
QUERY = Query("who?")


@given(st.lists(CANDIDATES, max_size=3), TRACES)
def test_results_come_back(candidates: list[Candidate], trace: tuple[Stage, ...]) -> None:
    results = Results(QUERY, tuple(candidates), trace)
    wire = msgspec.json.decode(msgspec.json.encode(search_response(results)), type=SearchResponse)
    assert results_of(wire, QUERY) == results


@given(
    st.builds(
        Answer,
        st.just(QUERY),
        WORDS,
        st.lists(SENTENCES, max_size=2).map(tuple),
        st.lists(st.builds(Reference, NUMBERS, WORDS, WORDS, WORDS), max_size=2).map(tuple),
        WORDS,
        TRACES,
        st.sampled_from(["yes", "partial", "no"]),
        st.lists(st.builds(Contradiction, WORDS, CITATIONS, CITATIONS), max_size=1).map(tuple),
    )
)
def test_answers_come_back(answer: Answer) -> None:
    wire = msgspec.json.decode(msgspec.json.encode(answer_response(answer)), type=AnswerResponse)
    assert answer_of(wire, QUERY) == answer


CONDITIONS = st.one_of(
    st.builds(Condition, st.just("source"), st.just("eq"), WORDS),
    st.builds(Condition, st.just("metadata.n"), st.sampled_from(["gte", "lt"]), NUMBERS),
    st.builds(
        Condition,
        st.just("metadata.kind"),
        st.just("in"),
        st.lists(WORDS, min_size=1, max_size=3).map(tuple),
    ),
)


@given(st.lists(CONDITIONS, unique_by=lambda one: (one.field, one.operator)))
def test_conditions_come_back(where: list[Condition]) -> None:
    assert set(parse_where(filter_of(tuple(where)))) == set(where)


def test_a_query_is_asked_as_it_is_and_nothing_more() -> None:
    assert asked(Query("who?", tenant="blue"), None) == {"query": "who?", "k": 10, "tenant": "blue"}
    query = Query(
        "who?",
        3,
        (Condition("metadata.year", "gte", 2020),),
        history=(Message("user", "Hello."),),
        preset="fast",
        branches=("bm25",),
        fusion="rrf",
        principals=(),
        changes={"rerank_depth": 0, "expand": ("rm3",)},
    )
    told = msgspec.convert(asked(query, "pets"), SearchRequest)
    assert (told.query, told.k, told.collection, told.preset) == ("who?", 3, "pets", "fast")
    assert told.filter == {"metadata.year": {"gte": 2020}}
    assert (told.branches, told.fusion, told.principals) == (("bm25",), "rrf", ())
    assert (told.rerank_depth, told.expand) == (0, ("rm3",))
    assert told.history[0].content == "Hello."
    written = Query("who?", changes={"generator": "inline", "samples": 2}, as_of="2024-01-01")
    answer = msgspec.convert(asked(written, None), AnswerRequest)
    assert (answer.generator, answer.samples, answer.as_of) == ("inline", 2, "2024-01-01")


DOCUMENTS = st.builds(
    Document,
    st.uuids().map(str),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip),
    WORDS,
    WORDS,
    st.dictionaries(
        st.sampled_from(["year", "source", "markup", "language", "pages", "title", "metadata"]),
        st.one_of(WORDS, NUMBERS, st.lists(WORDS, max_size=2)),
    ),
    markup=st.sampled_from(get_args(Markup)),
    language=WORDS,
    pages=st.sampled_from([(), (0,), (0, 1)]),
)


@given(st.lists(DOCUMENTS, max_size=3))
def test_documents_come_back(documents: list[Document]) -> None:
    with tempfile.NamedTemporaryFile() as file:
        rows = [msgspec.json.encode(row_of(document)) for document in documents]
        Path(file.name).write_bytes(b"\n".join(rows))
        read = list(read_rows(Path(file.name), "default", IndexSettings())) if rows else []
    assert [item for _, item in read] == documents
