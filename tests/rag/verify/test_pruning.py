"""Superfluous citations go, sentences are cited anew, and a policy decides about the rest."""

import pytest

from rag.values import Answer, Context, Query, Reference, Sentence
from rag.verify.pruning import Policy, checked, mended, pruned, quotable, repaired
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


def answered(*sentences: Sentence) -> tuple[Answer, Context]:
    found = context(*RULES)
    references = tuple(
        Reference(ref, f"document-{ref}", "", f"{ref}.md") for ref in range(1, len(RULES) + 1)
    )
    text = " ".join(one.text for one in sentences)
    return Answer(Query("What are the rules?"), text, sentences, references), found


def mend(policy: Policy, *sentences: Sentence) -> Answer:
    answer, found = answered(*sentences)
    carries = judge([one.text for one in sentences])
    after = mended(answer, found, carries, policy)
    for one in after.sentences:
        assert after.text[one.start : one.end] == one.text
        for cited in one.citations:
            (reference,) = (r for r in after.references if r.ref == cited.ref)
            assert reference.document_id == cited.document_id
    assert len(after.references) == len(
        {cited.document_id for one in after.sentences for cited in one.citations}
    )
    return after


def test_a_mark_keeps_the_sentence_and_says_what_it_lacks() -> None:
    after = mend("mark", sentence(COLD, COLD), sentence(WRONG, COLD))
    assert [one.support for one in after.sentences] == ["full", "none"]
    assert after.sentences[1].faults == ("number 48",)
    assert after.answerable == "partial"


def test_a_drop_leaves_what_is_carried() -> None:
    after = mend("drop", sentence(WRONG, COLD), sentence(DOGS, COLD), sentence(STRANGE, PIER))
    assert after.text == DOGS
    assert [reference.document_id for reference in after.references] == ["document-2"]
    assert after.answerable == "partial"


def test_a_rewrite_quotes_what_is_nearest_and_nothing_twice() -> None:
    after = mend("rewrite", sentence(WRONG, COLD), sentence(STRANGE, PIER), sentence(WRONG, COLD))
    (one,) = after.sentences
    assert (one.text, one.support, one.citations[0].method) == (COLD, "full", "verbatim")
    assert after.answerable == "partial"


@pytest.mark.parametrize("policy", ["drop", "rewrite"])
def test_an_answer_of_which_nothing_is_left_abstains(policy: Policy) -> None:
    after = mend(policy, sentence(STRANGE, PIER))
    assert after.abstained
    assert (after.answerable, after.references) == ("no", ())
    assert "carried" in after.reason


@pytest.mark.parametrize("policy", ["mark", "drop", "rewrite"])
def test_what_is_carried_stays_as_it_is(policy: Policy) -> None:
    after = mend(policy, sentence(COLD, COLD), sentence(PIER, PIER))
    assert after.answerable == "yes"
    assert after.text == f"{COLD} {PIER}"
    assert [stage.name for stage in after.trace] == ["verify"]


def test_an_abstention_stays_one() -> None:
    answer = Answer(Query("What?"), "", reason="nothing was found")
    assert mended(answer, context(*RULES), judge([]), "rewrite") is answer


def test_quotes_are_cited_in_rank_order() -> None:
    assert [one.quote for one in quotable(context(*RULES))] == list(RULES)
    assert citing(COLD).document_id == quotable(context(*RULES))[0].document_id
