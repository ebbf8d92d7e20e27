"""Sources that contradict each other are shown; near misses are not."""

import pytest

from rag.verify.contradictions import contradictions, contrary
from tests.rag.verify.harbour import citing


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ("The freezer holds 30 litres of ice.", "The freezer holds 36 litres of ice.", "number"),
        ("In 2020 the ferry carried 900 dogs.", "The ferry carried 800 dogs in 2020.", "number"),
        ("Dogs are allowed on the ferry.", "Dogs are not allowed on the ferry.", "negation"),
        (
            "The drug increased rates of survival.",
            "The drug reduced rates of survival.",
            "negation",
        ),
        ("Ada built the northern pier.", "Ada never built the northern pier.", "negation"),
    ],
)
def test_what_cannot_both_be_true_is_a_contradiction(one: str, other: str, kind: str) -> None:
    assert contrary(one, other) == contrary(other, one) == kind
    (found,) = contradictions([citing(one, 1), citing(other, 2)])
    assert (found.kind, found.one.quote, found.other.quote) == (kind, one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The freezer holds 30 litres of ice.", "The boat holds 36 litres of oil."),
        ("The freezer holds 30 litres of ice.", "The freezer holds 36 kg of ice."),
        ("The freezer holds 1,000 litres of ice.", "The freezer holds a thousand l of ice."),
        ("In 2019 the ferry carried 900 dogs.", "In 2020 the ferry carried 800 dogs."),
        ("Then Ada carried 30 sacks of ice.", "Then Bob carried 36 sacks of ice."),
        ("The ferry carries dogs, 5 to 7 a day.", "The ferry carries dogs, 6 to 8 a day."),
        ("Dogs are not allowed on the ferry.", "Dogs are not allowed on the ferry at night."),
        ("Cats are allowed on the ferry.", "Dogs are not allowed on the ferry."),
        ("Large dogs are allowed on the slow ferry.", "Cats are not allowed on the fast boat."),
        ("It is cold.", "It is not cold."),
        ("Dogs are allowed.", "Dogs are allowed."),
    ],
)
def test_a_near_miss_is_none(one: str, other: str) -> None:
    assert contrary(one, other) == contrary(other, one) == ""


def test_a_document_is_not_held_against_itself() -> None:
    one, other = "The freezer holds 30 litres of ice.", "The freezer holds 36 litres of ice."
    assert contradictions([citing(one, 1), citing(other, 1)]) == ()
    assert len(contradictions([citing(one, 1), citing(other, 2), citing(one, 3)])) == 2
