"""Test data is told by hashes, kept out, and its absence proven."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import BadInput
from rag.training.data.exclusion import Excluded, excluded, fingerprint, together
from rag.training.values import Group, Passage, Preference
from rag.values import Message

TEST = excluded("scifact:test", {"7": "Vitamin D lowers risk."}, {"d1": "An abstract, of a test."})


def group(query: str, *texts: str) -> Group:
    return Group(query, query, tuple(Passage(str(i), t, int(i == 0)) for i, t in enumerate(texts)))


@settings(deadline=None)
@given(st.text(min_size=1), st.sampled_from([" ", "\n", "  ", "!", "…"]))
def test_case_space_and_signs_make_no_other_text(text: str, sign: str) -> None:
    assert fingerprint(f"{text}{sign}") == fingerprint(text) or not any(c.isalnum() for c in text)
    assert fingerprint(text) == fingerprint(text)


@settings(deadline=None)
@given(
    st.lists(st.text("abcdef ", min_size=1), min_size=2, max_size=2, unique_by=lambda t: t.strip())
)
def test_other_words_are_another_text(texts: list[str]) -> None:
    plain = [" ".join(text.split()) for text in texts]
    if plain[0] != plain[1]:
        assert fingerprint(texts[0]) != fingerprint(texts[1])


def test_a_group_goes_with_its_query_and_with_its_last_positive() -> None:
    assert TEST.without(group("vitamin d LOWERS risk", "a", "b")) == (None, "query is test data")
    kept, why = TEST.without(group("other", "right", "An abstract of a test"))
    assert kept is not None
    assert [p.text for p in kept.passages] == ["right"]
    assert why == "passages are test data"
    assert TEST.without(group("other", "An abstract of a test", "b"))[0] is None
    whole = group("other", "a", "b")
    assert TEST.without(whole) == (whole, "")


def test_a_preference_about_a_test_query_goes_too() -> None:
    line = Preference("1", "Vitamin D lowers risk", (Message("user", "x"),), "a", "b")
    assert TEST.without(line)[0] is None


def test_the_proof_counts_what_was_compared_and_refuses_what_is_common() -> None:
    proof = TEST.prove([group("other", "a", "b"), group("another", "a")])
    assert proof["common"] == 0
    assert (proof["compared_queries"], proof["compared_documents"]) == (2, 2)
    assert proof["collections"] == ["scifact:test"]
    with pytest.raises(
        BadInput, match="1 query texts of the training data are test data of scifact"
    ):
        TEST.prove([group("Vitamin D: lowers risk?", "a")])
    with pytest.raises(BadInput, match=r"e\.g\. 'd1'"):
        TEST.prove([group("other", "an abstract of a test")])


def test_several_exclusions_are_one() -> None:
    both = together([TEST, excluded("dl19:test", {"q": "What is RNA?"})])
    assert both.names == ("scifact:test", "dl19:test")
    assert both.without(group("what is rna", "a"))[0] is None
    assert together([]) == Excluded()
    assert Excluded().prove([group("x", "y")])["common"] == 0
