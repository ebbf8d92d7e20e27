"""A text is cut by a size that a prompt's tokens are near to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.outside.size import shortened, size


@given(st.text(max_size=300), st.integers(0, 30))
def test_a_shortened_text_is_a_beginning_as_long_as_allowed(text: str, most: int) -> None:
    short = shortened(text, most)
    assert text.startswith(short)
    assert size(short) <= most
    assert len(short.split()) <= most
    if short != text:
        assert size(text) > most


@given(st.text(), st.text())
def test_two_texts_have_the_size_of_both(one: str, other: str) -> None:
    assert size(f"{one} {other}") == size(one) + size(other)


@pytest.mark.parametrize(
    ("text", "most", "short"),
    [
        ("电池寿命很长", 4, "电池"),
        ("A" * 100_000, 80, "A" * 640),
        ("one two", 9, "one two"),
        ("one two", 1, "one"),
        ("one two", 0, ""),
    ],
)
def test_text_without_spaces_is_shortened_too(text: str, most: int, short: str) -> None:
    assert shortened(text, most) == short
