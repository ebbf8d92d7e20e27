"""An answer on the terminal: sentences with [n], then the sources with the quoted spans."""

from pathlib import Path

import pytest

from rag.cli.query import render
from rag.cli.verify import verify
from rag.values import Answer, Citation, Query, Reference, Sentence

FREEZER = "# Freezer\n\nThe freezer stays cold for two days. Keep its door shut.\n"
COLD = "The freezer stays cold for two days."
SHUT = "Keep its door shut."


def citation(ref: int, text: str, quote: str, document_id: str = "freezer.md") -> Citation:
    start = text.index(quote)
    return Citation(ref, f"chunk-{ref}", document_id, quote, start, start + len(quote), 0.5)


def answer(*parts: tuple[str, Citation], sources: dict[int, tuple[str, str, str]]) -> Answer:
    sentences = []
    position = 0
    for text, cited in parts:
        sentences.append(Sentence(text, position, position + len(text), (cited,)))
        position += len(text) + 1
    references = tuple(Reference(ref, *source) for ref, source in sources.items())
    text = " ".join(text for text, _ in parts)
    return Answer(Query("How long?"), text, tuple(sentences), references)


def freezer(source: Path | str, title: str = "Freezer") -> Answer:
    return answer(
        (COLD, citation(1, FREEZER, COLD)),
        (SHUT, citation(1, FREEZER, SHUT)),
        sources={1: ("freezer.md", title, str(source))},
    )


def test_sentences_carry_numbers_and_sources_carry_spans() -> None:
    assert render(freezer("/handbook/freezer.md")) == (
        "The freezer stays cold for two days. [1] Keep its door shut. [1]\n"
        "\n"
        "[1] Freezer, /handbook/freezer.md, characters 11–47, 48–67"
    )


def test_a_source_below_the_working_folder_is_shown_from_there(tmp_path: Path) -> None:
    shown = render(freezer(tmp_path / "docs" / "freezer.md"))
    assert "[1] Freezer, docs/freezer.md, characters" in shown


def test_a_source_without_a_title_is_shown_by_its_id() -> None:
    assert "[1] freezer.md, /x/freezer.md" in render(freezer("/x/freezer.md", title=""))


def test_several_sources_stand_in_the_order_of_their_numbers() -> None:
    both = answer(
        (COLD, citation(1, FREEZER, COLD)),
        (SHUT, citation(2, SHUT, SHUT, "door.md")),
        sources={1: ("freezer.md", "Freezer", "/f.md"), 2: ("door.md", "Door", "/d.md")},
    )
    lines = render(both).splitlines()
    assert lines[0] == f"{COLD} [1] {SHUT} [2]"
    assert lines[2:] == [
        "[1] Freezer, /f.md, characters 11–47",
        "[2] Door, /d.md, characters 0–19",
    ]


def test_an_abstention_is_its_reason() -> None:
    nothing = Answer(Query("How long?"), "", reason="nothing was found to quote from")
    assert render(nothing) == "No answer: nothing was found to quote from."


def test_a_file_that_still_says_every_quote_holds(tmp_path: Path) -> None:
    file = tmp_path / "freezer.md"
    file.write_text(FREEZER, encoding="utf-8")
    assert list(verify(freezer(file))) == [(1, "freezer.md", True)]


@pytest.mark.parametrize(
    "now",
    [
        FREEZER.replace("two", "six"),
        "\n" + FREEZER,
        FREEZER.replace("shut", "open"),
        FREEZER[:30],
        "",
    ],
)
def test_a_file_that_no_longer_says_a_quote_at_its_span_does_not_hold(
    tmp_path: Path, now: str
) -> None:
    file = tmp_path / "freezer.md"
    file.write_text(now, encoding="utf-8")
    assert list(verify(freezer(file))) == [(1, "freezer.md", False)]


def test_a_file_that_is_gone_does_not_hold(tmp_path: Path) -> None:
    assert list(verify(freezer(tmp_path / "gone.md"))) == [(1, "freezer.md", False)]


def test_a_byte_order_mark_and_wide_characters_do_not_move_the_span(tmp_path: Path) -> None:
    text = "# 🧊\r\n\r\nÜber 🧊: " + COLD + "\r\n"
    file = tmp_path / "ice.md"
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    given = answer((COLD, citation(1, text, COLD)), sources={1: ("ice.md", "", str(file))})
    assert list(verify(given)) == [(1, "ice.md", True)]


def test_a_row_of_a_json_lines_file_is_found_again_by_its_id(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    rows = f'{{"_id": "a", "text": "{SHUT}"}}\n{{"_id": "b", "text": "{COLD}"}}\n'
    file.write_text(rows, encoding="utf-8")
    cited = citation(1, COLD, COLD, "b")
    assert list(verify(answer((COLD, cited), sources={1: ("b", "", f"{file}:2")}))) == [
        (1, "b", True)
    ]
    assert list(verify(answer((COLD, cited), sources={1: ("a", "", f"{file}:2")}))) == [
        (1, "a", False)
    ]
