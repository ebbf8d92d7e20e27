"""Runs in columns: what `read_run` reads, and nothing that it refuses."""

import gzip
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eval.data.run_table import RunTable, _columns, _content, _ordered, read_run_table
from eval.data.runs import ScoredDocument, read_run, write_run
from rag.errors import BadCollection

HEAD = "# ir_metadata.start\n# platform:\n#   hardware:\n#     cpu: 'x @ 3 GHz'\n\n"


def fast(file: Path) -> RunTable | None:
    """Return what the fast reader makes of a file, None where it leaves it to the other."""
    columns = _columns(_content(file))
    return None if columns is None else _ordered(columns)


def ranked(table: RunTable) -> dict[str, tuple[ScoredDocument, ...]]:
    return {query_id: table.ranking(query_id) for query_id in table.places}


def outcome(read: object, file: Path) -> object:
    """Return the rankings in order, or what was said against the file."""
    assert callable(read)
    try:
        found = read(file)
    except BadCollection as error:
        return str(error)
    return list((ranked(found) if isinstance(found, RunTable) else found).items())


IDS = st.sampled_from(
    ["q", "d", "d1", "é", "a%20b", "a b", "#", "#1", "Q0", "1", "\u00a0", '"', ""]
)
NUMBERS = st.sampled_from(
    ["1", "2", "0", "-1", "+3", "1.5", "1e3", "-0.0", "nan", "inf", "1_0", "x", "", "1e999", "0x1"]
)
GAPS = st.sampled_from([" ", " ", " ", "\t", "  ", "\x0b", "\u2003"])
ENDS = st.sampled_from(["\n", "\n", "\r\n", " \n", "\n\n", "\r", "", "\n \n"])


@st.composite
def line(draw: st.DrawFn) -> str:
    fields = [draw(IDS), "Q0", draw(IDS), draw(NUMBERS), draw(NUMBERS), "tag"]
    gap = draw(GAPS)
    return gap.join(fields[: draw(st.sampled_from([6, 6, 6, 5, 4]))]) + draw(ENDS)


PLAIN = st.builds(
    "{} Q0 {} {} {} t\n".format,
    st.sampled_from(["q1", "q2", "a%20b"]),
    st.from_regex(r"[a-e]{1,2}", fullmatch=True),
    st.integers(-2, 5),
    st.sampled_from(["1.0", "2.5", "0.1", "-3", "1e-7", "0", "-0"]),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(line(), max_size=4) | st.lists(PLAIN, max_size=12), st.sampled_from(["", HEAD]))
@example(["q  d 1 2.0 t\n"], "")
@example([" Q0 d 1 2.0 t\n"], "")
@example(["q Q0 d 1 2.0 t\nq Q0 d 2 1.0 t\n"], "")
@example(["\ufeffq Q0 d 1 2.0 t\n"], "")
@example(["q Q0 d 1 2.0 t\n\ufeffq Q0 e 1 2.0 t\n"], "")
def test_a_file_is_read_or_refused_as_by_read_run(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], head: str
) -> None:
    file = tmp_path_factory.mktemp("run") / "a.trec"
    file.write_bytes((head + "".join(lines)).encode())
    assert outcome(read_run_table, file) == outcome(read_run, file)


@pytest.mark.parametrize(
    "text",
    [
        "q Q0 low 1 1.0 t\nq Q0 third 3 2.0 t\nq Q0 second 2 2.0 t\n",
        "q2 Q0 a 1 1.0 t\nq1 Q0 a 1 1.0 t\nq2 Q0 b 2 3.0 t\r\n",
        "q\tQ0\ta\t1\t1.0\tt\nq\tQ0\tb\t1\t2.0\tt",
        "q%201 Q0 a%20b 1 1.0 t\nq%201 Q0 é 2 0.5 t\n",
        HEAD + "# Q0 d 1 1.0 t\n",
    ],
)
@pytest.mark.parametrize("suffix", ["trec", "trec.gz"])
def test_regular_files_are_read_fast_and_as_by_read_run(
    tmp_path: Path, text: str, suffix: str
) -> None:
    file = tmp_path / f"a.{suffix}"
    file.write_bytes(gzip.compress(text.encode()) if suffix == "trec.gz" else text.encode())
    table = fast(file)
    assert table is not None
    assert list(ranked(table).items()) == list(read_run(file).items())


def test_what_was_written_is_read_fast(tmp_path: Path) -> None:
    file = tmp_path / "a.trec"
    documents = tuple(ScoredDocument(f"d {i}", -float(i)) for i in range(50))
    write_run(file, {f"q{i}": documents for i in range(20)}, "x")
    table = fast(file)
    assert table is not None
    assert ranked(table) == {f"q{i}": documents for i in range(20)}


def test_comments_at_the_head_are_read_over_and_later_ones_are_lines(tmp_path: Path) -> None:
    file = tmp_path / "a.trec"
    file.write_text(HEAD + "q Q0 d 1 1.0 t\n")
    assert read_run_table(file).top("q") == ("d",)
    file.write_text("q Q0 d 1 1.0 t\n" + HEAD)
    with pytest.raises(BadCollection, match=r"a.trec:2: expected query-id"):
        read_run_table(file)


def test_a_comment_is_no_excuse_for_a_score_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "a.trec"
    file.write_text("#1 Q0 d 1 nan t\nq Q0 d 1 1.0 t\n")
    with pytest.raises(BadCollection, match=r"a.trec:1: nan is no score"):
        read_run_table(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("q Q0 d 1\n", "a.trec:1: expected query-id Q0"),
        ("q Q0 d 1 nan t\n", "a.trec:1: nan is no score"),
        ("q Q0 d 1 2.0 t\nq Q0 d 2 1.0 t\n", "a.trec:2: q ranks d twice"),
        ("q Q0 a%20b 1 2.0 t\nq Q0 a%20b 2 1.0 t\n", "a.trec:2: q ranks a b twice"),
        ("", "holds no ranking"),
    ],
)
def test_a_run_that_is_none_is_refused_with_the_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "a.trec"
    file.write_text(text)
    with pytest.raises(BadCollection, match=said):
        read_run_table(file)
    with pytest.raises(BadCollection, match="missing"):
        read_run_table(tmp_path / "none.trec")


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.trec.gz"
    file.write_bytes(gzip.compress(b"q Q0 d 1 1.0 t\n" * 99)[:-12])
    with pytest.raises(BadCollection, match="damaged archive"):
        read_run_table(file)


def test_a_query_that_is_not_in_the_run_has_no_document() -> None:
    table = RunTable.of({"q": [ScoredDocument("a", 1.0)], "empty": []})
    assert (table.top("other"), table.ranking("empty"), len(table)) == ((), (), 1)
    assert table.ranking("q", 5) == (ScoredDocument("a", 1.0),)
