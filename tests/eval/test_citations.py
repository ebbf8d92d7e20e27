"""Citations are measured as ALCE's paper and TREC's support evaluation define it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.citations import Cited, Quality, alce, first_supports, weighted_support
from rag.errors import LLMUnavailable
from rag.values import Answer, Citation, Query, Sentence, Support

PASSAGES = {"1": "long cold", "2": "loud", "3": "cold"}


def holds_all(premise: str, hypothesis: str) -> bool:
    """Entail a hypothesis whose words all stand in the premise."""
    if "?" in hypothesis:
        raise LLMUnavailable("no answer")
    return set(hypothesis.split()) <= set(premise.split())


def measure(*sentences: Cited) -> Quality:
    return alce([(sentences, PASSAGES)], holds_all)


@pytest.mark.parametrize(
    ("text", "citations", "recall", "precision"),
    [
        ("long", ["1"], 1, 1),
        ("loud", ["1"], 0, 0),
        ("loud", [], 0, 0),
        ("long loud", ["1", "2"], 1, 1),  # neither alone, both needed
        ("long", ["1", "2"], 1, 0.5),  # the second carries nothing
        ("cold", ["1", "3"], 1, 1),  # each carries it alone
        ("long loud", ["1", "2", "3"], 1, 2 / 3),
        ("long", ["1", "1", "1"], 1, 1),  # a repeated one counts once
        ("long", ["2", "3", "2", "1"], 1, 1 / 3),  # three different ones count
        ("long", ["0"], 0, 0),  # not the last passage
        ("long", ["1", "9"], 0, 0),  # of nothing: bad
    ],
)
def test_recall_and_precision_are_those_of_the_paper(
    text: str, citations: list[str], recall: float, precision: float
) -> None:
    quality = measure(Cited(text, tuple(citations)))
    assert quality.recall == recall
    assert quality.precision == pytest.approx(precision)


def test_precision_is_over_citations_and_recall_over_sentences() -> None:
    quality = measure(Cited("long", ("1",)), Cited("loud", ("1", "3")), Cited("cold"))
    assert quality.recall == pytest.approx(1 / 3)
    assert quality.precision == pytest.approx(1 / 3)


def test_an_empty_answer_counts_nothing_and_is_counted() -> None:
    quality = alce([([Cited("long", ("1",))], PASSAGES), ([], PASSAGES)], holds_all)
    assert quality == Quality(0.5, 0.5, answers=2, empty=1)
    assert alce([], holds_all) == Quality(0, 0, answers=0)


def test_what_could_not_be_judged_is_in_no_mean_and_counted() -> None:
    quality = measure(Cited("long", ("1",)), Cited("long?", ("1",)))
    assert quality == Quality(1, 1, answers=1, failed=1)
    failed = alce(
        [([Cited("?", ("1",))], PASSAGES), ([Cited("long", ("1",))], PASSAGES)], holds_all
    )
    assert failed == Quality(1, 1, answers=1, failed=1)


def test_weighted_support_is_that_of_the_fact_sheet() -> None:
    assert weighted_support([["partial", "full", None]]) == Quality(0.5, 0.75, answers=1)
    assert weighted_support([["full", "none"]]) == Quality(0.5, 0.5, answers=1)
    assert weighted_support([[None], ["full"]]) == Quality(0.5, 0.5, answers=2)
    assert weighted_support([[], ["full"]]) == Quality(0.5, 0.5, answers=2, empty=1)
    assert weighted_support([["unknown", "full"], ["unknown"]]) == Quality(1, 1, 1, failed=2)


LABELS: st.SearchStrategy[Support] = st.sampled_from(["full", "partial", "none"])


@given(st.lists(LABELS, min_size=1))
def test_where_all_is_cited_recall_is_precision(labels: list[Support]) -> None:
    quality = weighted_support([labels])
    assert quality.recall == quality.precision


@given(st.lists(LABELS | st.none()))
def test_precision_is_never_below_recall(labels: list[Support | None]) -> None:
    quality = weighted_support([labels])
    assert 0 <= quality.recall <= quality.precision <= 1


def test_of_an_answer_the_first_citation_of_each_sentence_counts() -> None:
    def citation(support: Support) -> Citation:
        return Citation(1, "c", "d", "text", 0, 4, 1.0, support)

    told = Answer(
        Query("q"),
        "a b",
        (
            Sentence("a", 0, 1, (citation("partial"), citation("full"))),
            Sentence("b", 2, 3, ()),
        ),
    )
    assert first_supports(told) == ("partial", None)
