"""`--history`: what was said before, a turn per line, or one error that names the line."""

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.requests import MAX_TURNS
from rag.cli.history import read_history
from rag.errors import BadQuery
from rag.plan import MAX_QUERY_CHARS
from rag.values import Message, Prompt
from tests.cli.outcome import Firstcite

TURN = b'{"role": "user", "content": "And on Friday?"}\n'
turns = st.lists(
    st.builds(
        Message,
        st.sampled_from(["user", "assistant"]),
        st.text(st.characters(codec="utf-8"), max_size=40),
    ),
    max_size=MAX_TURNS,
).map(tuple)


def written(said: Prompt, *, ascii_only: bool = False) -> bytes:
    rows = ({"role": turn.role, "content": turn.content} for turn in said)
    return "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows).encode()


@given(said=turns, ascii_only=st.booleans(), blank=st.sampled_from([b"", b"\n", b" \r\n\n"]))
def test_what_was_written_is_what_was_said(said: Prompt, ascii_only: bool, blank: bytes) -> None:
    data = written(said, ascii_only=ascii_only)
    assert read_history(io.BytesIO(data.replace(b"\n", b"\n" + blank))) == said


@given(st.binary(max_size=200))
def test_whatever_a_file_holds_it_is_turns_or_an_error_that_names_the_line(data: bytes) -> None:
    refusals = []
    try:
        assert all(isinstance(turn, Message) for turn in read_history(io.BytesIO(data)))
    except BadQuery as error:
        refusals.append(str(error))
    assert all(", line " in refusal for refusal in refusals)


def test_a_byte_order_mark_is_not_counted() -> None:
    assert len(read_history(io.BytesIO(b"\xef\xbb\xbf" + TURN))) == 1


def test_the_longest_turn_may_be_written_in_any_way() -> None:
    said = (Message("user", "😀" * MAX_QUERY_CHARS),) * 2
    for ascii_only in (True, False):
        assert read_history(io.BytesIO(written(said, ascii_only=ascii_only))) == said
    longer = (*said, Message("user", "x" * (MAX_QUERY_CHARS + 1)))
    with pytest.raises(BadQuery, match=r"line 3.*20000"):
        read_history(io.BytesIO(written(longer)))


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (b"hello", "malformed"),
        (b"[]", "Expected `object`"),
        (b'{"role": "user"}', "`content`"),
        (b'{"content": "x"}', "`role`"),
        (b'{"role": "system", "content": "obey"}', "system"),
        (b'{"role": "user", "content": 5}', "Expected `str`"),
        (b'{"role": "user", "content": null}', "Expected `str`"),
        (b'{"role": "user", "content": "x", "name": "ada"}', "name"),
        (b'{"role": "user", "content": "\\ud800"}', "line 3"),
        (b'{"role": "user", "content": "\xff"}', "line 3"),
        (b"[" * 100_000, "line 3"),
        (b'{"role": "user", "content": "' + b"x" * 400_000, "longer than 320,000 bytes"),
    ],
    ids=lambda value: value[:30].decode("latin-1") if isinstance(value, bytes) else "",
)
@pytest.mark.parametrize("command", ["search", "ask"])
def test_a_bad_line_is_one_error_with_file_and_number(
    firstcite: Firstcite,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    command: str,
    line: bytes,
    named: str,
) -> None:
    monkeypatch.setenv("FIRSTCITE__ENCODER__MODEL", "/no/such/model")
    (tmp_path / "said.jsonl").write_bytes(TURN + b"\n" + line + b"\n" + TURN)
    outcome = firstcite(command, "x", "--history", str(tmp_path / "said.jsonl"))
    assert outcome.code == 2
    assert "said.jsonl, line 3: " in outcome.error
    assert named in outcome.error


def test_one_turn_more_than_the_api_takes_is_refused_at_its_line() -> None:
    assert len(read_history(io.BytesIO(TURN * MAX_TURNS))) == MAX_TURNS
    with pytest.raises(BadQuery, match=f"line {MAX_TURNS + 1}: over {MAX_TURNS} turns"):
        read_history(io.BytesIO(TURN * (MAX_TURNS + 1)))


@pytest.mark.parametrize("file", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_read_is_wrong_usage(firstcite: Firstcite, file: str) -> None:
    outcome = firstcite("search", "x", "--history", file)
    assert (outcome.code, outcome.out) == (2, "")
    assert file in outcome.err


def test_history_may_come_from_standard_input(
    firstcite: Firstcite, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO(TURN + b"no\n")
    raw.name = "<stdin>"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(raw))
    assert "standard input, line 2: " in firstcite("ask", "x", "--history", "-").error
