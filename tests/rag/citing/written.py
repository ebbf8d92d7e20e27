"""Texts as models write them, and worse."""

from hypothesis import strategies as st

LEGAL = frozenset({1, 2, 3})

PARTS = [
    "[1]", "[2]", "[1, 3]", "[7]", "[1-3]", "【2】", "［３］", "[^1]", "[[1]]", "[Passage 2]",
    "[", "]", "(", ")", "[1", "1]", "[[", "]]", "[a", "[Sour", "†",
    "`", "``", "```", "```\n", "~~~\n", "$", "$$", "\\(", "\\)", "\\[", "\\]", "\\", "!", "](",
    "http://a",
    " ", "  ", "\n", "\n\n", "\r\n", "\t", ". ", ".", ", ", ",", "; ", ":", "\n- ",
    "\n> ", "\n1. ", "# ",
    "The freezer lasts 36 hours", "x", "word", "It hums", "36", "5",
    "猫坐。", "是", "e.g.", "Dr. No",
    "“", "”",
    "😀", "é", "| a | b |", "**",
]  # fmt: skip

WRITTEN = st.lists(st.sampled_from(PARTS), max_size=25).map("".join)
