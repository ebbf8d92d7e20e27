"""What was found teaches terms by the published arithmetic, and never less than the query stays."""

import asyncio
import math
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from indexers.encoders.bm25 import Bm25Encoder
from rag.errors import StoreUnavailable
from rag.expand.asked import Asked, Expansion
from rag.expand.feedback import (
    BETA,
    ORIGINAL,
    TERMS,
    average_branch,
    common_terms,
    dense_rocchio_branch,
    rm3,
    rm3_branch,
    rocchio,
    rocchio_branch,
)
from rag.flows import drive
from rag.terms import by_term, sparse, summing_to_one
from rag.values import Branch, Candidate, Chunk, Part, Search, Searched, SparseVector

VECTORS = st.dictionaries(st.integers(0, 40), st.floats(0.01, 50), max_size=15).map(sparse)
SCORED = st.lists(st.tuples(VECTORS, st.floats(0.01, 30)), max_size=6)
QUERIES = VECTORS.filter(lambda vector: bool(vector.indices))


def close(vector: SparseVector, expected: dict[int, float]) -> None:
    assert vector.indices == tuple(sorted(expected))
    assert by_term(vector) == pytest.approx(expected, abs=1e-9, rel=0)


# RM3: two documents found with scores 3 and 1, two terms.
QUERY = sparse({1: 1.0, 2: 1.0})
FIRST, SECOND = sparse({1: 2.0, 3: 2.0, 4: 1.0}), sparse({3: 1.0, 5: 4.0, 6: 1.0})


def test_rm3_by_hand() -> None:
    """Cut: {1: 2/4, 3: 2/4} and {3: 1/5, 5: 4/5} (3 before 6). Sum: 3/2, 3/2 + 1/5, 4/5.

    Cut: {1: 1.5, 3: 1.7}, together 3.2. Query: 1/2 each.
    """
    found = rm3(QUERY, [(FIRST, 3.0), (SECOND, 1.0)], terms=2)
    close(found, {1: 0.5 * 0.5 + 0.5 * 1.5 / 3.2, 2: 0.5 * 0.5, 3: 0.5 * 1.7 / 3.2})


def test_rm3_learns_no_common_term() -> None:
    """Cut: {1: 2/3, 4: 1/3} and {5: 4/5, 6: 1/5}. Sum: 2, 1, 4/5, 1/5; cut: {1: 2/3, 4: 1/3}."""
    found = rm3(QUERY, [(FIRST, 3.0), (SECOND, 1.0)], frozenset({3}), terms=2, original=0.7)
    close(found, {1: 0.35 + 0.3 * 2 / 3, 2: 0.35, 4: 0.3 / 3})


def test_rocchio_by_hand() -> None:
    """Query: .6, .8. Documents: .6, .8 and 5/13, 12/13; their mean is cut to the terms 3 and 4."""
    query, relevant = (
        sparse({1: 3.0, 2: 4.0}),
        [sparse({1: 3.0, 3: 4.0}), sparse({3: 5.0, 4: 12.0})],
    )
    three, four = (0.8 + 5 / 13) / 2, 12 / 13 / 2
    length = math.sqrt(three**2 + four**2)
    expected = {1: 0.6, 2: 0.8, 3: 0.75 * three / length, 4: 0.75 * four / length}
    close(rocchio(query, relevant, terms=2), expected)
    bad = [sparse({1: 3.0, 2: 4.0, 9: 1.0})]  # cut to two terms, of unit length: .6 and .8
    away = rocchio(query, relevant, irrelevant=bad, terms=2, gamma=0.15)
    close(away, {**expected, 1: 0.6 - 0.15 * 0.6, 2: 0.8 - 0.15 * 0.8})


def test_rocchio_learns_no_common_term() -> None:
    close(rocchio(sparse({1: 1.0}), [SECOND], frozenset({3, 6})), {1: 1.0, 5: 0.75})


def test_what_the_irrelevant_outweigh_is_gone() -> None:
    query = sparse({1: 3.0, 2: 4.0})
    close(rocchio(query, [], irrelevant=[sparse({2: 9.0})], gamma=1.0), {1: 0.6})


@given(QUERIES, SCORED)
def test_with_all_weight_on_the_query_it_comes_back(
    query: SparseVector, documents: list[tuple[SparseVector, float]]
) -> None:
    close(rm3(query, documents, original=1.0), by_term(summing_to_one(query)))
    alone = rocchio(query, [vector for vector, _ in documents], beta=0.0)
    close(summing_to_one(alone), by_term(summing_to_one(query)))


@given(QUERIES, st.floats(0, 1))
def test_nothing_found_leaves_the_query(query: SparseVector, original: float) -> None:
    for nothing in ([], [(sparse({}), 3.0)]):
        close(rm3(query, nothing, original=original), by_term(summing_to_one(query)))
    close(summing_to_one(rocchio(query, [])), by_term(summing_to_one(query)))


@given(QUERIES, SCORED, SCORED, st.integers(0, 5), st.frozensets(st.integers(0, 40)))
def test_weights_are_above_zero_and_few_terms_are_new(
    query: SparseVector,
    documents: list[tuple[SparseVector, float]],
    others: list[tuple[SparseVector, float]],
    terms: int,
    common: frozenset[int],
) -> None:
    good, bad = [vector for vector, _ in documents], [vector for vector, _ in others]
    by_rm3 = rm3(query, documents, common, terms=terms)
    by_rocchio = rocchio(query, good, common, irrelevant=bad, terms=terms, gamma=0.3)
    for found in (by_rm3, by_rocchio):
        assert all(weight > 0 for weight in found.values)
        new = set(found.indices) - set(query.indices)
        assert len(new) <= terms
        assert not new & common
    assert math.fsum(by_rm3.values) == pytest.approx(1.0)


@given(QUERIES, st.lists(VECTORS, max_size=6), st.floats(0.1, 9), st.randoms())
def test_the_order_of_documents_does_not_matter_for_equal_scores(
    query: SparseVector, documents: list[SparseVector], score: float, chance: Random
) -> None:
    shuffled = list(documents)
    chance.shuffle(shuffled)
    assert rm3(query, [(d, score) for d in shuffled]) == rm3(query, [(d, score) for d in documents])
    assert rocchio(query, shuffled) == rocchio(query, documents)


@given(QUERIES, SCORED, st.sampled_from([0.5, 2.0, 1024.0]))
def test_only_the_ratio_of_scores_matters(
    query: SparseVector, documents: list[tuple[SparseVector, float]], factor: float
) -> None:
    scaled = [(vector, score * factor) for vector, score in documents]
    assert rm3(query, scaled) == rm3(query, documents)


@given(st.lists(VECTORS, max_size=30), st.integers(0, 12))
def test_common_terms_are_held_by_most_and_by_enough(
    documents: list[SparseVector], least: int
) -> None:
    found = common_terms(documents, least)
    for id_ in range(41):
        n = sum(id_ in document.indices for document in documents)
        assert (id_ in found) == (n > least and 2 * n > len(documents))


# The flows.
SPARSE = Bm25Encoder()
ASKED = Asked("freezer power", 50, SPARSE, 6.0)
CHUNKS = (
    ("Power cuts", "The freezer holds its cold for two days, cold and shut."),
    ("", "Cold food keeps; the snake_case of cold."),
    ("", "Freezers hum."),
)


class Store:
    """Returns the chunks, best first, and notes what it was asked."""

    def __init__(self, chunks: Sequence[tuple[str, str]], scores: Sequence[float] = ()) -> None:
        self.asked: list[Search] = []
        self._found = tuple(
            Candidate(Chunk(f"c{i}", "d", text, 0, len(text), context=context), score, {})
            for i, ((context, text), score) in enumerate(
                zip(chunks, scores or [9.0 - i for i in range(len(chunks))], strict=True)
            )
        )

    async def __call__(self, request: Search) -> Searched:
        self.asked.append(request)
        return Searched(self._found[: request.k])

    @property
    def chunks(self) -> list[Chunk]:
        return [one.chunk for one in self._found]


def run(expansion: Expansion, store: Store, asked: Asked = ASKED) -> tuple[Branch, ...]:
    return asyncio.run(drive(expansion(asked), None, search=store)).result


def form_of(branch: Branch) -> SparseVector:
    assert isinstance(branch.form, SparseVector)
    return branch.form


TEXTS = ["Power cuts\nThe freezer holds its cold for two days, cold and shut.", CHUNKS[1][1]]


def test_the_rm3_branch_looks_with_what_the_index_reads_of_the_chunks() -> None:
    store = Store(CHUNKS[:2], [4.0, 1.0])
    (branch,) = run(rm3_branch, store)
    assert store.asked == [Search("freezer power", 50, ("bm25",))]
    documents = [(SPARSE.query(text), score) for text, score in zip(TEXTS, [4.0, 1.0], strict=True)]
    form = rm3(SPARSE.query("freezer power"), documents, terms=TERMS, original=ORIGINAL)
    assert branch == Branch("bm25+rm3", branch.text, 50, form)
    assert SPARSE.query("cut").indices[0] in form.indices  # the title's


def test_the_rocchio_branch_looks_with_the_mean_of_bm25_weights() -> None:
    store = Store(CHUNKS[:2])
    (branch,) = run(rocchio_branch, store)
    assert store.asked == [Search("freezer power", 50, ("bm25",))]
    weights = [SPARSE.document(text, 6.0) for text in TEXTS]
    form = rocchio(SPARSE.query("freezer power"), weights, terms=TERMS, beta=BETA)
    assert branch == Branch("bm25+rocchio", branch.text, 50, form)


def test_people_are_shown_the_new_terms_in_words_the_heaviest_first() -> None:
    """Of 5 terms ("two" is one) cold is counted twice: (1 − .7) · 2/7 is .086, the others .043."""
    (branch,) = run(
        rm3_branch, Store([("", "The freezer, cold and cold; days, two doors' power.")])
    )
    first, *others = branch.text.split(", ")
    assert first == "cold 0.086"
    assert sorted(others) == ["days 0.043", "doors 0.043", "two 0.043"]


def test_a_term_is_shown_by_the_first_of_its_words() -> None:
    (branch,) = run(rm3_branch, Store([("", "freezer days"), ("", "a freezer day")]))
    assert branch.text.split()[0] == "days"


def test_ten_chunks_teach_and_what_most_of_the_pool_holds_is_not_learnt() -> None:
    """12 of 23 chunks hold "shop", 11 hold "till"; the eleventh chunk's "gold" comes too late."""
    chunks = [
        ("", f"freezer shop{' till' if i < 11 else ''}{' gold' if i == 10 else ''}")
        for i in range(12)
    ] + [("", "freezer")] * 11
    for expansion in (rm3_branch, rocchio_branch):
        (branch,) = run(expansion, Store(chunks))
        assert branch.text.split()[0] == "till"
        assert form_of(branch).indices == SPARSE.query("freezer power till").indices


@pytest.mark.parametrize("expansion", [rm3_branch, rocchio_branch])
@pytest.mark.parametrize("text", ["", "The freezer of the powers."])
def test_chunks_without_a_new_term_make_no_branch(expansion: Expansion, text: str) -> None:
    assert run(expansion, Store([("", text)])) == ()


def test_where_no_word_names_a_new_term_the_question_is_shown() -> None:
    """Vowel signs end a word here, but no term."""
    (branch,) = run(rm3_branch, Store([("", "freezer दुनिया")]))
    assert branch.text == "freezer power"
    assert SPARSE.query("दुनिया").indices[0] in form_of(branch).indices


def test_the_average_branch_reads_the_question_and_three_chunks_at_equal_weights() -> None:
    store = Store([*CHUNKS, ("", "the fourth")])
    (branch,) = run(average_branch, store)
    assert store.asked == [Search("freezer power", 3, ("dense",))]
    assert (branch.name, branch.depth) == ("dense+average", 50)
    assert branch.form == (
        Part("freezer power", 0.25),
        *(Part(text, 0.25, "document") for text in [*TEXTS, "Freezers hum."]),
    )
    assert branch.text == (
        "freezer power + Power cuts The freezer holds its cold for two days, cold and shut. + "
        "Cold food keeps; the snake_case of cold. + Freezers hum."
    )


def test_the_dense_rocchio_branch_gives_the_chunks_three_fifths_together() -> None:
    store = Store([("", f"text {i} " + "long " * 30) for i in range(9)])
    (branch,) = run(dense_rocchio_branch, store)
    assert store.asked == [Search("freezer power", 5, ("dense",))]
    parts = [Part(chunk.indexed_text, 0.6 / 5, "document") for chunk in store.chunks[:5]]
    assert branch.form == (Part("freezer power", 0.4), *parts)
    assert all(len(shown) <= 80 for shown in branch.text.split(" + "))


ALL = [rm3_branch, rocchio_branch, average_branch, dense_rocchio_branch]


@pytest.mark.parametrize("expansion", ALL)
def test_nothing_found_makes_no_branch(expansion: Expansion) -> None:
    assert run(expansion, Store([])) == ()


@pytest.mark.parametrize("expansion", ALL)
def test_a_store_that_fails_is_let_through(expansion: Expansion) -> None:
    async def broken(request: Search) -> Searched:
        raise StoreUnavailable(f"cannot look for {request.text}")

    with pytest.raises(StoreUnavailable, match="cannot look for freezer"):
        asyncio.run(drive(expansion(ASKED), None, search=broken))


@given(st.text(max_size=40), st.lists(st.text(max_size=60), max_size=4))
def test_any_texts_make_branches_that_can_be_looked_with(query: str, texts: list[str]) -> None:
    assume(query.isprintable())
    store = Store([("", text) for text in texts])
    for expansion in ALL:
        for branch in run(expansion, store, Asked(query, 10, SPARSE, 5.0)):
            assert branch.depth == 10
            assert branch.form
            assert branch.text.isprintable() or branch.kind == "dense"
