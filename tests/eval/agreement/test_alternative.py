"""The alternative annotator test where it has no easy answer."""

from collections.abc import Mapping

import pytest

from eval.agreement.alternative import accuracy, alt_test, negative_rmse
from rag.errors import BadInput

Labels = Mapping[str, int]


def labels(*grades: int, start: int = 0) -> Labels:
    return {f"{i:03}": grade for i, grade in enumerate(grades, start)}


SAME = labels(*[0, 1, 2, 3] * 10)


def test_a_judge_that_says_what_all_say_wins_without_a_test() -> None:
    found = alt_test(SAME, {"a": SAME, "b": SAME}, accuracy, epsilon=0.1)
    assert (found.winning_rate, found.advantage, found.passed) == (1, 1, True)
    assert {(p.test, p.p) for p in found.people} == {("constant", 0)}


def test_a_judge_that_is_always_worse_loses_without_a_test() -> None:
    wrong = {instance: (grade + 1) % 4 for instance, grade in SAME.items()}
    found = alt_test(wrong, {"a": SAME, "b": SAME}, accuracy, epsilon=0.9)
    assert (found.winning_rate, found.advantage, found.passed) == (0, 0, False)
    assert {(p.test, p.p) for p in found.people} == {("constant", 1)}


def test_half_of_the_people_are_enough() -> None:
    """The judge is the other one's twin: better than "a", and no better than "b"."""
    wrong = {instance: (grade + 1) % 4 for instance, grade in SAME.items()}
    found = alt_test(SAME, {"a": wrong, "b": SAME}, accuracy, epsilon=0.0)
    assert (found.winning_rate, found.passed) == (0.5, True)


def test_equal_by_epsilon_exactly_is_not_better() -> None:
    assert not alt_test(SAME, {"a": SAME, "b": SAME}, accuracy, epsilon=0.0).passed


def test_instances_without_two_people_or_the_judge_are_dropped_and_counted() -> None:
    more = {**SAME, "only one": 1}
    judge = {**SAME, "only the judge": 2}
    found = alt_test(judge, {"a": more, "b": SAME}, accuracy, epsilon=0.1)
    assert (found.instances, found.given) == (40, 42)


def test_whoever_labelled_too_little_is_left_out_and_named() -> None:
    few = labels(*[0, 1, 2, 3] * 5)
    found = alt_test(SAME, {"a": SAME, "b": SAME, "few": few}, accuracy, epsilon=0.1)
    assert [person.name for person in found.people] == ["a", "b"]
    assert found.left_out == {"few": 20}


def test_fewer_than_thirty_instances_are_tested_by_ranks_where_that_is_asked() -> None:
    few = labels(*[0, 1, 2, 3] * 5)
    judge = {**few, "001": 3}
    found = alt_test(judge, {"a": few, "b": few}, accuracy, epsilon=0.2, least=20)
    assert {person.test for person in found.people} == {"wilcoxon"}
    assert all(person.p < 0.05 for person in found.people)


@pytest.mark.parametrize(
    ("people", "message"),
    [
        ({"a": SAME}, "two people or more, here are 1"),
        ({"a": labels(1, 2), "b": SAME}, "the most that anybody has are 2"),
        ({"a": labels(*[1] * 40, start=500), "b": SAME}, "the most that anybody has are 0"),
    ],
)
def test_labels_that_nobody_can_be_tested_on_are_refused_with_what_is_missing(
    people: Mapping[str, Labels], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        alt_test(SAME, people, accuracy, epsilon=0.1)


def test_any_scoring_will_do_also_of_texts() -> None:
    def overlap(text: str, others: list[str] | tuple[str, ...] | object) -> float:
        assert isinstance(others, list)
        words = set(text.split())
        return sum(len(words & set(o.split())) / len(words | set(o.split())) for o in others)

    texts = {f"{i:02}": f"a word {i}" for i in range(30)}
    found = alt_test(texts, {"a": texts, "b": texts}, overlap, epsilon=0.1)
    assert found.passed


def test_distance_forgives_a_near_miss_that_accuracy_does_not() -> None:
    """Two people differ by two grades; the judge stands between them, equal to nobody."""
    a, b = labels(*[0] * 40), labels(*[2] * 40)
    between = labels(*[1] * 40)
    by_distance = alt_test(between, {"a": a, "b": b}, negative_rmse, epsilon=0.1)
    assert by_distance.winning_rate == 1
    by_name = alt_test(between, {"a": a, "b": b}, accuracy, epsilon=0.1)
    assert by_name.advantage == 1  # nobody agrees with anybody: ties count for both
