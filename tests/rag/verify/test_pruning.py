"""Superfluous citations go, sentences are cited anew, and a policy decides about the rest."""

from dataclasses import replace

import pytest

from rag.citing.structure import Claim
from rag.values import Sentence
from rag.verify.pruning import (
    POLICIES,
    Policy,
    checked,
    evident,
    pruned,
    quotable,
    repaired,
    settled,
)
from tests.rag.verify.harbour import (
    COLD,
    DOGS,
    FERRY,
    PIER,
    RULES,
    citing,
    context,
    judge,
    sentence,
)

WRONG = "The sample freezer stays cold for 48 hours without power."
STRANGE = "Bananas grow on trees in Kenya."
BOTH = "Dogs are not allowed on the ferry, which leaves at 9:30 from the northern pier."


def quotes(one: Sentence) -> list[str]:
    return [citation.quote for citation in one.citations]


def test_a_sentence_is_told_what_each_citation_carries_and_all_together() -> None:
    one = checked(sentence(COLD, COLD, DOGS), judge([COLD]))
    assert one.support == "full"
    assert [citation.support for citation in one.citations] == ["full", "none"]
    assert one.citations[0].score > one.citations[1].score


def test_a_citation_that_adds_nothing_is_superfluous() -> None:
    assert quotes(pruned(sentence(COLD, DOGS, COLD, FERRY), judge([COLD]))) == [COLD]


def test_citations_that_carry_only_together_all_stay() -> None:
    assert quotes(pruned(sentence(BOTH, DOGS, FERRY, COLD), judge([BOTH]))) == [DOGS, FERRY]


def test_two_citations_that_each_carry_the_sentence_both_stay() -> None:
    assert quotes(pruned(sentence(COLD, COLD, COLD), judge([COLD]))) == [COLD, COLD]


def test_where_nothing_carries_a_sentence_nothing_is_pruned() -> None:
    assert quotes(pruned(sentence(STRANGE, DOGS, FERRY), judge([STRANGE]))) == [DOGS, FERRY]


def test_a_sentence_that_cites_the_wrong_place_is_cited_anew() -> None:
    packed = quotable(context(*RULES))
    for found in (sentence(COLD, DOGS), sentence(COLD)):
        one = repaired(found, packed, judge([COLD]))
        assert (quotes(one), one.support) == ([COLD], "full")
    kept = repaired(sentence(STRANGE, DOGS), packed, judge([STRANGE]))
    assert (quotes(kept), kept.support) == ([DOGS], "none")


def test_a_claim_gets_of_each_passage_the_sentence_that_carries_most() -> None:
    found = context(f"{PIER} {COLD}", DOGS)
    claim = Claim(COLD, 0, len(COLD), found.passages)
    packed = quotable(found)
    one = evident(claim, packed, judge([COLD]))
    assert quotes(one) == [COLD, DOGS]
    assert [citation.ref for citation in one.citations] == [1, 2]
    assert one.citations[0].start == len(PIER) + 1
    given = replace(claim, quotes=(citing(PIER),))
    assert quotes(evident(given, packed, judge([COLD]))) == [PIER]


def test_a_settled_claim_keeps_what_it_needs() -> None:
    found = context(*RULES)
    claim = Claim(COLD, 0, len(COLD), (found.passages[1], found.passages[0]))
    one = settled(claim, quotable(found), judge([COLD]))
    assert (quotes(one), one.support) == ([COLD], "full")


@pytest.mark.parametrize(
    ("policy", "text", "expected"),
    [
        ("mark", WRONG, WRONG),
        ("drop", WRONG, None),
        ("rewrite", WRONG, COLD),
        ("rewrite", STRANGE, None),
    ],
)
def test_a_policy_says_what_becomes_of_what_nothing_carries(
    policy: Policy, text: str, expected: str | None
) -> None:
    carries, packed = judge([text]), quotable(context(*RULES))
    one = checked(sentence(text, COLD), carries)
    assert one.support == "none"
    after = POLICIES[policy](one, packed, carries)
    assert (after.text if after else None) == expected
    if after and policy == "rewrite":
        assert (after.support, after.citations[0].method, after.faults) == ("full", "verbatim", ())


def test_documents_of_the_passages_keep_their_numbers() -> None:
    found = context(COLD, DOGS)
    twice = replace(found, passages=(*found.passages, replace(found.passages[0], ref=3)))
    assert [one.ref for one in quotable(twice)] == [1, 2, 1]


def test_quotes_are_cited_in_rank_order() -> None:
    assert [one.quote for one in quotable(context(*RULES))] == list(RULES)
    assert citing(COLD).document_id == quotable(context(*RULES))[0].document_id
