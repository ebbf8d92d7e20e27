"""Code is cut along its syntax, under the names of what is around it."""

import pytest

from indexers.splitting.cutting import GRAMMARS
from rag.values import Chunk, Document
from tests.indexers.splitting.texts import chunked, words

PYTHON = '''import word

class Freezer:
    """Holds samples."""

    def open(self, key):
        log(key)
        return self.door.open(key)

    def close(self):
        return self.door.close()


def empty(freezer):
    for sample in freezer:
        move(sample)
'''
GO = """func (f *Freezer) Open(key string) error {
    log(key)
    return f.door.open(key)
}

func Empty(f Freezer) {
    for sample := range f { move(sample) }
}
"""


def code(text: str, language: str, most: int = 24) -> tuple[Chunk, ...]:
    document = Document("d", text, "cold", markup="code", language=language)
    return chunked(words(most=most), [document])[0]


def test_chunks_follow_the_syntax_under_what_they_are_in() -> None:
    found = {
        (chunk.text.split("\n")[-1].strip(), chunk.context) for chunk in code(PYTHON, "python")
    }
    assert ("return self.door.open(key)", "cold › Freezer") in found
    assert ("return self.door.close()", "cold › Freezer") in found
    assert ("move(sample)", "cold") in found


def test_what_is_inside_a_function_stands_under_its_name() -> None:
    found = [(chunk.text.split("\n")[0], chunk.context) for chunk in code(GO, "go", 16)]
    assert found == [
        ("func (f *Freezer) Open(key string) error", "cold"),
        ("{", "cold › Open"),
        ("func Empty(f Freezer)", "cold"),
        ("{", "cold › Empty"),
    ]


@pytest.mark.parametrize("language", GRAMMARS)
def test_every_grammar_can_be_had(language: str) -> None:
    text = "a = 1\n\n" * 40
    chunks = code(text, language)
    assert len(chunks) > 1
    assert "".join(chunk.text + chunk.gap for chunk in chunks) == text


def test_a_language_without_grammar_is_cut_at_blank_lines_before_what_is_not_indented() -> None:
    block = "PROCEDURE word\n    word word word\n\n    word word word\nEND\n"
    found = [chunk.text for chunk in code(f"{block}\n" * 3, "cobol", 16)]
    assert found == [block.strip()] * 3


def test_a_block_that_is_too_long_is_cut_at_blank_lines_then_at_lines() -> None:
    body = "    one two. three four\n" * 4
    found = [chunk.text for chunk in code(f"BEGIN\n{body}\n{body}END\n", "", 24)]
    assert found == [f"BEGIN\n{body}".strip(), f"{body}END".strip()]
    (first, *_) = code(f"BEGIN\n{body * 3}END\n", "", 24)
    assert first.text.endswith("three four")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("class A:", "A"),
        ("export default class A {", "A"),
        ("public static class A {", "A"),
        ("pub(crate) async fn go() {", "go"),
        ("impl<T> Cold for A {", "Cold"),
        ("func (a *A) Go() {", "Go"),
        ("export async function go() {", "go"),
        ("namespace a::b {", "a::b"),
        ("module A", "A"),
    ],
)
def test_definitions_are_known_by_their_words(line: str, name: str) -> None:
    chunks = code(f"{line}\n" + "    word word\n" * 40, "")
    assert chunks[1].context == f"cold › {name}"


def test_words_that_only_look_like_definitions_are_none() -> None:
    chunks = code("classes = 1\ndefault:\n" + "    word word\n" * 40, "")
    assert {chunk.context for chunk in chunks} == {"cold"}
