"""An answer becomes an object of a TREC RAG 2024 run within the track's limits."""

import json

from hypothesis import given
from hypothesis import strategies as st

from rag.citing.trec import trec_rag
from rag.values import Answer, Citation, Query, Sentence


def sentence(text: str, *documents: str) -> Sentence:
    cited = tuple(Citation(1, f"c-{one}", one, "text", 0, 4, 1.0) for one in documents)
    return Sentence(text, 0, len(text), cited)


def answer(*sentences: Sentence) -> Answer:
    return Answer(Query("How long?"), " ".join(s.text for s in sentences), sentences)


def test_an_answer_has_the_fields_of_the_track() -> None:
    told = answer(sentence("It lasts 36 hours.", "b", "a", "b"), sentence("So.", "a"))
    assert trec_rag(told, "run-1", "2024-7") == {
        "run_id": "run-1",
        "topic_id": "2024-7",
        "topic": "How long?",
        "references": ["b", "a"],
        "response_length": 5,
        "answer": [
            {"text": "It lasts 36 hours.", "citations": [0, 1]},
            {"text": "So.", "citations": [1]},
        ],
    }


def test_words_are_counted_in_normalized_text() -> None:
    assert trec_rag(answer(sentence("a\u3000b\u00a0c ½")), "r", "t")["response_length"] == 4
    assert trec_rag(answer(), "r", "t")["answer"] == []


def test_too_long_an_answer_loses_whole_sentences_and_what_only_they_cite() -> None:
    long = [sentence(" ".join(["word"] * 150), name) for name in "abcd"]
    told = trec_rag(answer(*long), "r", "t")
    assert (told["response_length"], told["references"]) == (300, ["a", "b"])
    exact = trec_rag(answer(sentence("w " * 400, "a"), sentence("w", "b")), "r", "t")
    assert exact["response_length"] == 400


def test_only_the_first_twenty_references_are_kept() -> None:
    told = trec_rag(answer(*(sentence("So.", str(i), "0") for i in range(25))), "r", "t")
    assert told["references"] == [str(i) for i in range(20)]
    assert told["answer"][24] == {"text": "So.", "citations": [0]}  # type: ignore[index]


@given(
    st.lists(
        st.builds(
            lambda text, documents: sentence(text, *documents),
            st.text(st.characters(exclude_categories=["Cs"])),
            st.lists(st.sampled_from([str(i) for i in range(40)]), max_size=4),
        ),
        max_size=40,
    )
)
def test_every_index_points_at_a_reference_and_every_reference_is_cited(
    sentences: list[Sentence],
) -> None:
    told = json.loads(json.dumps(trec_rag(answer(*sentences), "r", "t")))
    cited = [i for one in told["answer"] for i in one["citations"]]
    assert set(cited) == set(range(len(told["references"])))
    assert len(told["references"]) <= 20
    assert told["response_length"] <= 400
    for one, original in zip(told["answer"], sentences, strict=False):
        names = [told["references"][i] for i in one["citations"]]
        wanted = dict.fromkeys(citation.document_id for citation in original.citations)
        assert names == [name for name in wanted if name in told["references"]]
