"""Citations are measured as ALCE's paper and TREC's support evaluation define it."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.answers.citations import Cited, Quality, alce, pooled, weighted_support
from rag.errors import LLMUnavailable
from rag.values import Support

PASSAGES = {"1": "long cold", "2": "loud", "3": "cold"}


def holds_all(passages: Sequence[str], sentence: str) -> bool:
    """Entail a sentence whose words all stand in the passages."""
    if "?" in sentence:
        raise LLMUnavailable("no answer")
    return set(sentence.split()) <= {word for text in passages for word in text.split()}


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
        ("long", ["-1"], 0, 0),
        ("loud", ["1", "1", "3", "2"], 1, 1 / 3),  # a repeated one takes no place of the three
        ("loud", ["1", "3", "9", "2"], 0, 0),  # the fourth different one is too late
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


def test_of_several_passages_the_entailment_is_asked_once_with_all_in_order() -> None:
    asked: list[tuple[tuple[str, ...], str]] = []

    def entails(passages: Sequence[str], sentence: str) -> bool:
        asked.append((tuple(passages), sentence))
        return True

    alce([([Cited("s", ("3", "1"))], PASSAGES)], entails)
    assert asked[0] == (("cold", "long cold"), "s")


def test_weighted_support_is_that_of_the_fact_sheet() -> None:
    assert weighted_support([[["partial"], ["full"], []]]) == Quality(0.5, 0.75, answers=1)
    assert weighted_support([[["full"], ["none"]]]) == Quality(0.5, 0.5, answers=1)
    assert weighted_support([[[]], [["full"]]]) == Quality(0.5, 0.5, answers=2)
    assert weighted_support([[], [["full"]]]) == Quality(0.5, 0.5, answers=2, empty=1)
    unknown = weighted_support([[["unknown"], ["full"]], [["unknown"]]])
    assert unknown == Quality(1, 1, 1, failed=2)


def test_over_all_citations_precision_is_of_citations_and_recall_of_sentences() -> None:
    quality = weighted_support([[["full", "none", "none"], ["partial"], []]])
    assert quality.recall == pytest.approx((1 / 3 + 1 / 2 + 0) / 3)
    assert quality.precision == pytest.approx((1 + 0 + 0 + 0.5) / 4)


def test_a_citation_that_could_not_be_judged_leaves_numerator_and_denominator() -> None:
    assert weighted_support([[["full", "unknown"], ["none"]]]) == Quality(0.5, 0.5, 1, failed=1)


LABELS: st.SearchStrategy[Support] = st.sampled_from(["full", "partial", "none"])
ONE = LABELS.map(lambda label: [label])


@given(st.lists(ONE, min_size=1))
def test_where_all_is_cited_once_recall_is_precision(labels: list[list[Support]]) -> None:
    quality = weighted_support([labels])
    assert quality.recall == quality.precision


@given(st.lists(st.lists(LABELS, max_size=1)))
def test_of_first_citations_precision_is_never_below_recall(labels: list[list[Support]]) -> None:
    quality = weighted_support([labels])
    assert 0 <= quality.recall <= quality.precision <= 1


@given(st.lists(st.lists(st.lists(LABELS | st.just("unknown"), max_size=3), max_size=4)))
def test_pooling_parts_is_measuring_the_whole(answers: list[list[list[Support]]]) -> None:
    whole, parts = weighted_support(answers), pooled(weighted_support([one]) for one in answers)
    assert (whole.answers, whole.empty, whole.failed) == (parts.answers, parts.empty, parts.failed)
    assert (whole.recall, whole.precision) == pytest.approx((parts.recall, parts.precision))
