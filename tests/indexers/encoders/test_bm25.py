"""BM25 here is Qdrant's on the document side, and Lucene's on the query side."""

import asyncio
import math
from collections import Counter

import numpy as np
import pytest
import qdrant_edge
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from indexers.encoders.bm25 import Bm25Encoder
from indexers.stores.exact import ExactStore
from rag.errors import BadSettings
from rag.seams import CollectionSpec
from rag.terms import mixed
from rag.values import Chunk, Lookup, Point, Probe

# No stop words, no two with one stem.
WORDS = ["freezer", "lantern", "ledger", "spaniel", "harbour", "compass", "quilt", "walrus"]
K1, B = 0.9, 0.4


def qdrant(mean_length: float = 1.0) -> qdrant_edge.Bm25:
    config = qdrant_edge.Bm25Config(k=K1, b=B, avg_len=mean_length, language="english")
    return qdrant_edge.Bm25(config)


def weights(vector: qdrant_edge.SparseVector) -> dict[int, float]:
    return dict(zip(vector.indices, vector.values, strict=True))


@given(st.sets(st.sampled_from(WORDS)) | st.sets(st.text("abcdefgh", min_size=3, max_size=12)))
@settings(max_examples=100, deadline=None)
def test_a_query_that_repeats_nothing_equals_qdrants(words: set[str]) -> None:
    text = " ".join(sorted(words))
    mine = Bm25Encoder().query(text)
    assume(all(value == 1 for value in mine.values))  # two words may share a stem
    assert dict(zip(mine.indices, mine.values, strict=True)) == weights(qdrant().embed_query(text))


@given(st.lists(st.sampled_from(WORDS), max_size=30))
@settings(max_examples=100, deadline=None)
def test_a_query_weighs_every_term_by_its_count(words: list[str]) -> None:
    bm25 = Bm25Encoder()
    vector = bm25.query(" ".join(words))
    term = {word: bm25.query(word).indices[0] for word in set(words)}
    assert dict(zip(vector.indices, vector.values, strict=True)) == {
        term[word]: float(count) for word, count in Counter(words).items()
    }
    assert list(vector.indices) == sorted(set(vector.indices))


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_a_query_has_the_terms_of_qdrants_whatever_the_text(text: str) -> None:
    vector = Bm25Encoder().query(text)
    assert set(vector.indices) == set(qdrant().embed_query(text).indices)
    assert all(value >= 1 and value == round(value) for value in vector.values)
    assert list(vector.indices) == sorted(set(vector.indices))


@given(st.lists(st.sampled_from([*WORDS, "the", "of"]), max_size=30), st.floats(0.5, 500))
@settings(max_examples=100, deadline=None)
def test_a_document_equals_qdrants_and_the_formula(words: list[str], mean_length: float) -> None:
    bm25 = Bm25Encoder(K1, B)
    text = " ".join(words)
    mine = bm25.document(text, mean_length)
    found = dict(zip(mine.indices, mine.values, strict=True))
    assert found == weights(qdrant(mean_length).embed_document(text))
    counts = Counter(word for word in words if word in WORDS)
    length = counts.total()
    assert found == pytest.approx(
        {
            bm25.query(word).indices[0]: tf
            * (K1 + 1)
            / (tf + K1 * (1 - B + B * length / mean_length))
            for word, tf in counts.items()
        },
        rel=1e-5,
    )
    assert list(mine.indices) == sorted(mine.indices)


@given(st.lists(st.sampled_from([*WORDS, "the", "of", "and"]), max_size=60))
@settings(max_examples=50, deadline=None)
def test_the_length_counts_repeats_but_not_stop_words(words: list[str]) -> None:
    assert Bm25Encoder().length(" ".join(words)) == sum(word in WORDS for word in words)


@pytest.mark.parametrize("count", [1, 1_000, 10_001, 100_003])
def test_long_documents_are_counted_exactly(count: int) -> None:
    bm25 = Bm25Encoder()
    text = "freezer " * count
    assert bm25.length(text) == count
    assert bm25.query(text).values == (float(count),)


@pytest.mark.parametrize("text", ["", "   ", "the of and", "?!… — 😀", "\x00"])
def test_a_text_without_terms_is_an_empty_vector(text: str) -> None:
    bm25 = Bm25Encoder()
    assert bm25.length(text) == 0
    assert bm25.query(text).indices == bm25.document(text, 5.0).indices == ()


def test_case_and_endings_do_not_matter() -> None:
    bm25 = Bm25Encoder()
    assert bm25.query("Freezers, FREEZER").values == (2.0,)
    assert bm25.query("lanterns") == bm25.query("LANTERN")


def test_a_document_is_weighed_by_the_mean_it_is_given_each_time() -> None:
    bm25 = Bm25Encoder()
    short, long = bm25.document("freezer lantern", 1.0), bm25.document("freezer lantern", 100.0)
    assert short.values < long.values  # in a collection of long documents, two terms are few
    assert bm25.document("freezer lantern", 1.0) == short
    assert bm25.document("freezer lantern", 0.0).indices == short.indices  # nothing to divide by


def test_an_expanded_query_adds_weight_times_count() -> None:
    bm25 = Bm25Encoder()
    texts = {"freezer freezer lantern": 1.0, "lantern walrus": 0.5, "the": 9.0}
    vector = mixed((bm25.query(text), weight) for text, weight in texts.items())
    term = {word: bm25.query(word).indices[0] for word in ("freezer", "lantern", "walrus")}
    assert dict(zip(vector.indices, vector.values, strict=True)) == {
        term["freezer"]: 2.0,
        term["lantern"]: 1.5,
        term["walrus"]: 0.5,
    }
    assert mixed([]).indices == ()
    assert mixed([(bm25.query("freezer"), 5.0)]) == bm25.query("freezer " * 5)


def test_the_fingerprint_names_everything_that_changes_a_weight() -> None:
    encoders = [
        Bm25Encoder(),
        Bm25Encoder(k1=1.2),
        Bm25Encoder(b=0.75),
        Bm25Encoder(language="german"),
    ]
    assert len({encoder.spec.fingerprint for encoder in encoders}) == 4
    assert Bm25Encoder().spec == Bm25Encoder(0.9, 0.4, "english").spec
    assert Bm25Encoder().spec.fingerprint == "qdrant-bm25/english/k1=0.9/b=0.4"


@pytest.mark.parametrize(
    ("k1", "b", "language", "message"),
    [
        (0.9, 0.4, "klingon", r"klingon.*Known: arabic, .*english, .*turkish"),
        (0.9, 0.4, "", "Known: arabic"),
        (-0.1, 0.4, "english", "k1"),
        (math.nan, 0.4, "english", "k"),
        (math.inf, 0.4, "english", "k1"),
        (0.9, -0.1, "english", "b must"),
        (0.9, 1.1, "english", "b must"),
        (0.9, math.nan, "english", "b"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    k1: float, b: float, language: str, message: str
) -> None:
    with pytest.raises(BadSettings, match=f"sparse settings: .*{message}"):
        Bm25Encoder(k1, b, language)


def test_searching_ranks_by_lucenes_formula() -> None:
    texts = [
        "freezer lantern freezer",
        "freezer lantern ledger spaniel harbour",
        "lantern lantern",
        "quilt walrus compass",
        "freezer",
    ]
    query = "freezer freezer lantern walrus"
    bm25 = Bm25Encoder(K1, B)
    documents = [text.split() for text in texts]
    mean = sum(map(len, documents)) / len(documents)

    async def search() -> dict[str, float]:
        store = ExactStore(CollectionSpec("none", "none", 1, bm25.spec.fingerprint, "none"))
        dense = np.ones(1, np.float32)
        await store.put(
            [
                Point(Chunk(text, text, text, 0, 1), dense, bm25.document(text, mean), 1)
                for text in texts
            ]
        )
        found = await store.find(Lookup((Probe("bm25", bm25.query(query), 10),)))
        return {hit.chunk_id: hit.score for hit in found["bm25"]}

    def by_hand(words: list[str]) -> float:
        total = 0.0
        for word in query.split():
            n = sum(word in document for document in documents)
            idf = math.log(1 + (len(documents) - n + 0.5) / (n + 0.5))
            tf = words.count(word)
            total += idf * tf * (K1 + 1) / (tf + K1 * (1 - B + B * len(words) / mean))
        return total

    assert asyncio.run(search()) == pytest.approx(
        {text: by_hand(words) for text, words in zip(texts, documents, strict=True)}, rel=1e-5
    )
