"""The sentences of any text whatsoever are ordered, apart from one another, and verbatim."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rag.citing.sentences import cite, sentences
from rag.values import Candidate, Chunk, Passage

UNICODE = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
BINARY = st.binary(max_size=300).map(lambda raw: raw.replace(b"\0", b"").decode("latin-1"))
BROKEN = st.binary(max_size=300).map(lambda raw: raw.decode("utf-8", "replace"))
WORDS = st.sampled_from(
    [
        "a",
        "The freezer",
        "3.5",
        "e.g.",
        "Dr. No",
        "über",
        "猫坐。",
        "😀",
        "e\u0301",
        "x_1",
        "−80 °C",
        "“So?”",
    ]
)
ENDS = st.sampled_from(
    [" ", ". ", "? ", "! ", "…", "。", "\n", "\r\n", "\r", "\u2028", "\x85", "\t", ""]
)
MARKS = st.sampled_from(
    ["", "", "# ", "- ", "* ", "12. ", "> ", ">> ", "- [x] ", "```", "````", "~~~", "| ", "---",
     "===", "* * *", "<!--", "-->", "![", "[x]: ", "</p>", "    ", "\ufeff"]
)  # fmt: skip
LINE = st.builds(
    lambda mark, parts, end: mark + "".join(w + e for w, e in parts) + end,
    MARKS,
    st.lists(st.tuples(WORDS, ENDS), max_size=4),
    st.sampled_from(["\n", "\n", "\r\n", "\n\n", "\u2028", ""]),
)
MARKDOWN = st.lists(LINE, max_size=12).map("".join)
TEXTS = MARKDOWN | UNICODE | BINARY | BROKEN


@given(TEXTS)
@example("a.\r\n\r\nb.\r\n")
@example("\u2028a.\u2028\u2029b")
@example("```\n```\n```\na b c")
@example("\x1c\x1d a \x1e b.")
@settings(max_examples=100, deadline=None)
def test_spans_are_in_order_disjoint_stripped_and_hold_a_word(text: str) -> None:
    end = 0
    for span in sentences(text):
        assert end <= span.start < span.end <= len(text)
        quote = text[span.start : span.end]
        assert quote == quote.strip()
        assert any(character.isalnum() for character in quote)
        end = span.end


@given(st.lists(WORDS, min_size=1, max_size=30).map(" ".join), ENDS)
@settings(max_examples=100, deadline=None)
def test_plain_prose_loses_no_letter(prose: str, end: str) -> None:
    text = f"So {prose}{end}"
    kept = "".join(text[span.start : span.end] for span in sentences(text))
    assert [c for c in kept if c.isalnum()] == [c for c in text if c.isalnum()]


@given(MARKDOWN)
@settings(max_examples=100, deadline=None)
def test_what_comes_after_a_blank_line_does_not_change_the_sentences_before(text: str) -> None:
    before = sentences(text)
    assert sentences(f"{text}\n\nMore of it here.")[: len(before)] == before


@given(MARKDOWN.filter(lambda text: "```" not in text and "~~~" not in text))
@settings(max_examples=100, deadline=None)
def test_no_line_of_a_fence_is_ever_quoted(inside: str) -> None:
    text = f"````\n{inside}\n````\nPlain words."
    assert [text[s.start : s.end] for s in sentences(text)] == ["Plain words."]


@given(TEXTS, st.integers(0, 1_000))
@settings(max_examples=100, deadline=None)
def test_every_citation_is_verbatim_in_its_document(text: str, before: int) -> None:
    document = "…" * before + text
    chunk = Chunk("c", "d", text, before, len(document))
    for span in sentences(text):
        citation = cite(Passage(1, Candidate(chunk, 1.0, {})), span, 0.0)
        assert document[citation.start : citation.end] == citation.quote


@pytest.mark.parametrize("language", ["en", "de", "ja", "ru", "xx"])
@given(text=TEXTS)
@settings(max_examples=20, deadline=None)
def test_every_language_code_gives_spans(language: str, text: str) -> None:
    assert all(0 <= s.start < s.end <= len(text) for s in sentences(text, language))
