"""Rankings are read from whatever a model writes, and no passage is ever lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rerankers.permutations import parse_permutation

WELL_WRITTEN = [
    "[3] > [1] > [2]",
    "[3]>[1]>[2]",
    "  [ 03 ] > [1] > [2]\n",
    "Here is the ranking:\n\n[3] > [1] > [2]\n\nI hope that 2 of them help.",
    "Of the 20 passages, 2 are off topic. [3] > [1] > [2]",
    "**[3]** > **[1]** > **[2]**",
    "[3] > [1] >\n[2]",
    "[3] > 1 > [2]",
    "[3][1][2]",
    "[3]\n[1]\n[2]",
    "[3, 1, 2]",
    '{"ranking": ["3", "1", "2"]}',
    "3 > 1 > 2",
    "3] > 1] > 2]",
    "(3) > (1) > (2)",
    "3, 1, 2",
    "3, 1, and 2.",
    "3 1 2",
    "Ranking: 3, 1, 2",
    "3\n1\n2",
    "- 3\n- 1\n- 2",
    "1. [3]\n2. [1]\n3. [2]",
    "1. 3\n2. 1\n3. 2",
    "Rank 1: 3\nRank 2: 1\nRank 3: 2",
    "1. Passage [3]\n2. Passage [1]\n3. Passage [2]",
    "Passage 3 > Passage 1 > Passage 2",
    "[Passage 3] > [Passage 1] > [Passage 2]",
    "［3］ ＞ 【１】 > 〔2〕",
    "<think>[1] > [2] > [3]? No.</think>\n[3] > [1] > [2]",
    "First I thought [1] > [2] > [3], but it is [3] > [1] > [2]",
    "[3] is best, since 2 of 4 agree. [1] is fine. [2] is not.",
]


@pytest.mark.parametrize("text", WELL_WRITTEN)
def test_a_whole_ranking_is_read_however_it_is_written(text: str) -> None:
    found = parse_permutation(text, 3)
    assert (found.order, found.named, found.missing) == ((2, 0, 1), 3, 0)
    assert not found.malformed


@pytest.mark.parametrize(
    ("text", "order", "named"),
    [
        ("[3] > [1] > [3] > [1] > [2]", (2, 0, 1), 3),  # repeats, the first counts
        ("[3] > [9] > [0] > [1] > [2]", (2, 0, 1), 3),  # identifiers that do not exist
        ("[3] > [2]", (2, 1, 0), 2),
        ("[3]", (2, 0, 1), 1),
        ("[3] > [2] > [", (2, 1, 0), 2),  # cut off
        ("[3] > [2] > [1", (2, 1, 0), 2),  # cut off: it may have become [12]
        ("Passage 2 is the most relevant.", (1, 0, 2), 1),
        ("[2] > [3]. The text of [1] is empty.", (1, 2, 0), 3),
    ],
)
def test_what_is_left_out_or_wrong_is_mended_and_counted(
    text: str, order: tuple[int, ...], named: int
) -> None:
    found = parse_permutation(text, 3)
    assert (found.order, found.named, found.missing) == (order, named, 3 - named)
    assert found.malformed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n",
        "I am sorry, but I cannot rank these 3 passages.",
        "The 2 best are 3 and 1.",
        "Relevance: 3",
        "They score 0.9 > 0.8 > 0.2",
        "In 2020, 3 of 4 agreed",
        "1. Cats are animals\n2. Dogs are animals",
        "<think>Maybe [3] > [1] > [2], maybe",
        "[2020]",
        "> > >",
    ],
)
def test_numbers_of_a_sentence_are_no_ranking(text: str) -> None:
    found = parse_permutation(text, 3)
    assert (found.order, found.named, found.missing, found.malformed) == ((0, 1, 2), 0, 3, True)


@pytest.mark.parametrize(
    "text",
    [
        "[C] > [A] > [B]",
        "[c] > [a] > [b]",
        "[C, A, B]",
        "C > A > B",
        "C, A, B",
        "C\nA\nB",
        "1. C\n2. A\n3. B",
        "A good answer: I say C > A > B",
        "Passage C > Passage A > Passage B",
    ],
)
def test_letters_are_read_like_numbers(text: str) -> None:
    found = parse_permutation(text, 3, letters=True)
    assert (found.order, found.malformed) == ((2, 0, 1), False)


@pytest.mark.parametrize("text", ["The best is B", "A passage about I", "b, a, c", "[3] > [1]"])
def test_words_of_a_sentence_are_no_letters(text: str) -> None:
    found = parse_permutation(text, 3, letters=True)
    assert (found.order, found.named, found.malformed) == ((0, 1, 2), 0, True)


def test_where_only_the_best_are_wanted_the_others_are_not_missing() -> None:
    found = parse_permutation("[4] > [2]", 5, wanted=2)
    assert found.order == (3, 1, 0, 2, 4)
    assert (found.named, found.missing, found.malformed) == (2, 0, False)
    assert parse_permutation("[4]", 5, wanted=2).missing == 1


PIECES = st.sampled_from([
    *"[]>,:(-AB【０²٣\n\x00", " ", " > ", "[[", "b", "the", "2020", "1. ", "Passage ",
    "<think>", "</think>", *map(str, range(23)),
])  # fmt: skip


@given(st.lists(PIECES, max_size=40).map("".join) | st.text(), st.integers(0, 22), st.booleans())
@settings(deadline=None, max_examples=150)
def test_whatever_is_written_no_passage_is_lost(text: str, n: int, letters: bool) -> None:
    found = parse_permutation(text, n, letters)
    assert sorted(found.order) == list(range(n))
    assert found.named + found.missing == n
    assert list(found.order[found.named :]) == sorted(found.order[found.named :])


@given(st.integers(1, 40).flatmap(lambda n: st.permutations(range(n))))
@settings(deadline=None)
def test_a_ranking_as_it_was_asked_for_is_read_as_it_is(order: list[int]) -> None:
    found = parse_permutation(" > ".join(f"[{i + 1}]" for i in order), len(order))
    assert found.order == tuple(order)
    assert not found.malformed


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "piece", ["[", " ", "\n", "[1] ", "> ", "1 ", "1,", ": ", "[1, ", "*", "<think>"]
)
def test_long_nonsense_is_read_in_no_time(piece: str) -> None:
    parse_permutation(piece * 2_000, 20)
