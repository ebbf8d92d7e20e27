"""Progress: a plain line now and then, a bar on a terminal, nothing on standard output."""

import io

import pytest
from rich.console import Console

from rag.cli.progress import showing


def plain() -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(file=stream, soft_wrap=True, force_terminal=False), stream


def test_elsewhere_than_on_a_terminal_the_first_and_the_last_step_are_a_line_each() -> None:
    console, stream = plain()
    with showing(console) as show:
        for done in range(11):
            show("encode", done, 10)
    first, last = stream.getvalue().splitlines()
    assert first == "encoding chunks: 0 of 10"
    assert last.startswith("encoding chunks: 10 of 10")


def test_every_stage_has_its_own_lines() -> None:
    console, stream = plain()
    with showing(console) as show:
        show("read", 256, 0)
        show("optimize", 0, 0)
    assert stream.getvalue().splitlines() == [
        "reading documents: 256",
        "building the search index",
    ]


def test_a_stage_without_a_phrase_is_shown_by_its_name() -> None:
    console, stream = plain()
    with showing(console) as show:
        show("search bm25", 1, 1)
    assert stream.getvalue().startswith("search bm25: 1 of 1")


def test_names_in_square_brackets_are_no_markup() -> None:
    console, stream = plain()
    with showing(console) as show:
        show("[bold]x[/nothing]", 0, 0)
    assert stream.getvalue() == "[bold]x[/nothing]\n"


def test_thousands_are_told_apart() -> None:
    console, stream = plain()
    with showing(console) as show:
        show("encode", 0, 12_345)
    assert stream.getvalue() == "encoding chunks: 0 of 12,345\n"


def test_on_a_terminal_there_is_a_bar_that_leaves_nothing_behind() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, _environ={})
    with showing(console) as show:
        show("read", 0, 0)
        show("encode", 5, 10)
    shown = stream.getvalue()
    assert "encoding chunks" in shown
    assert "5/10" in shown
    assert shown.endswith("\x1b[2K"), "the line is erased at the end"


def interrupted(console: Console) -> None:
    with showing(console) as show:
        show("encode", 5, 10)
        raise KeyboardInterrupt


def test_an_interruption_ends_the_bar() -> None:
    stream = io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        interrupted(Console(file=stream, force_terminal=True, width=100, _environ={}))
    assert stream.getvalue().endswith("\x1b[2K")
    assert "\x1b[?25h" in stream.getvalue(), "the cursor is shown again"
