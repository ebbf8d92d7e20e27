"""A written ranking is asked for with room to write it, and read as far as it goes."""

import pytest

from rag.values import Completed
from rerankers.listwise import Listwise

TEXTS = tuple(f"text {i}" for i in range(120))


def test_identifiers_are_numbers_in_brackets_and_the_first_is_begun() -> None:
    (request,) = Listwise("why?", TEXTS).requests((4, 2))
    assert [message.role for message in request.prompt] == ["system", "user", "assistant"]
    assert "\n[1] text 4\n[2] text 2\n" in request.prompt[1].content
    assert request.prompt[1].content.endswith(
        "Rank all 2 passages above, the most relevant first. Name every identifier exactly once, "
        "in the form [2] > [1]. Write the ranking only, without any explanation."
    )
    assert request.prompt[-1].content == "["


def test_identifiers_may_be_letters_and_the_turn_may_be_the_models_own() -> None:
    (request,) = Listwise("why?", TEXTS, forced=False, letters=True).requests((4, 2))
    assert [message.role for message in request.prompt] == ["system", "user"]
    assert "\n[A] text 4\n[B] text 2\n" in request.prompt[1].content
    assert "in the form [B] > [A]" in request.prompt[1].content


@pytest.mark.parametrize("n", [2, 9, 20, 120])
def test_there_is_room_to_write_every_identifier_digit_by_digit(n: int) -> None:
    (request,) = Listwise("why?", TEXTS).requests(tuple(range(n)))
    written = " > ".join(f"[{i + 1}]" for i in range(n))
    assert request.max_tokens >= len(written.replace(" ", ""))


@pytest.mark.parametrize(
    "text", ["2] > [3] > [1]", "[2] > [3] > [1]", "2 > 3 > 1", "2, 3, 1", "Sure: [2] > [3] > [1]"]
)
@pytest.mark.parametrize("forced", [True, False])
def test_a_ranking_is_read_with_the_bracket_or_without(text: str, forced: bool) -> None:
    read = Listwise("why?", TEXTS, forced).read((7, 8, 9), [Completed(text, 9)])
    assert (read.levels, read.missing, read.malformed) == (((8,), (9,), (7,)), 0, 0)


def test_what_was_not_named_is_tied_behind_the_others() -> None:
    read = Listwise("why?", TEXTS).read((7, 8, 9, 6), [Completed("3] > [", 4, cut=True)])
    assert (read.levels, read.missing, read.malformed) == (((9,), (7, 8, 6)), 3, 1)


@pytest.mark.parametrize("text", ["", "I cannot help with that.", "The 2 best are fine."])
def test_what_is_no_ranking_ranks_nothing(text: str) -> None:
    read = Listwise("why?", TEXTS).read((7, 8, 9), [Completed(text, 4)])
    assert (read.levels, read.missing, read.malformed) == (((7, 8, 9),), 3, 1)


def test_only_the_best_may_be_asked_for() -> None:
    asker = Listwise("why?", TEXTS, top=2)
    (request,) = asker.requests((7, 8, 9, 6))
    assert "Of the 4 passages above, rank the 2 most relevant" in request.prompt[1].content
    assert request.max_tokens < Listwise("why?", TEXTS).requests((7, 8, 9, 6))[0].max_tokens
    read = asker.read((7, 8, 9, 6), [Completed("3] > [1]", 4)])
    assert (read.levels, read.missing, read.malformed) == (((9,), (7,), (8, 6)), 0, 0)


def test_there_are_no_letters_for_a_large_window() -> None:
    with pytest.raises(ValueError, match="use numbers"):
        Listwise("why?", TEXTS, letters=True).requests(tuple(range(27)))
