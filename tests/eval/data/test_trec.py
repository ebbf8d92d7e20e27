"""TREC's topics and qrels: what is written comes back, what is wrong is refused with its line."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.data.trec import read_topics, read_trec_qrels
from rag.errors import BadCollection

IDS = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=8)
WORDS = st.lists(IDS, min_size=1, max_size=4).map(" ".join)

CLASSIC = """
<top>
<num> Number: 301
<title> International Organized Crime

<desc> Description:
Identify organizations that participate in crime.
</top>

<TOP>
<num>302</num>
<title>Topic: Poliomyelitis
and Post-Polio</title>
</TOP>
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "file"
    file.write_text(text, encoding="utf-8")
    return file


def test_topics_between_tags_are_their_titles(tmp_path: Path) -> None:
    assert read_topics(written(tmp_path, CLASSIC)) == {
        "301": "International Organized Crime",
        "302": "Poliomyelitis and Post-Polio",
    }


def test_topics_in_lines_are_an_id_a_tab_and_the_text(tmp_path: Path) -> None:
    text = "# a comment\n10\twhat is a cat\n9\thow long\n"
    assert list(read_topics(written(tmp_path, text)).items()) == [
        ("10", "what is a cat"),
        ("9", "how long"),
    ]


@given(topics=st.dictionaries(IDS, WORDS, min_size=1), tagged=st.booleans())
def test_topics_that_are_written_are_read(
    tmp_path_factory: pytest.TempPathFactory, topics: dict[str, str], *, tagged: bool
) -> None:
    line = "<top>\n<num> Number: {}\n<title> {}\n</top>\n" if tagged else "{}\t{}\n"
    text = "".join(line.format(*topic) for topic in topics.items())
    assert read_topics(written(tmp_path_factory.mktemp("t"), text)) == topics


@given(st.text())
def test_any_text_is_read_as_topics_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    file = written(tmp_path_factory.mktemp("t"), text.encode("utf-8", "replace").decode())
    with suppress(BadCollection):
        assert all(read_topics(file).values())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "holds no topic"),
        ("1 no tab\n", ":1: no topic"),
        ("1\t\n", ":1: no topic"),
        ("1\ta\n1\tb\n", ":2: topic '1' stands here twice"),
        ("<top>\n<num> 1\n</top>\n", ":1: a topic needs <num> and <title>"),
        ("x\n<top>\n<num> 1\n<title> a\n", ":2: a topic without </top>"),
        ("<top>\n<num> 1\n<title> a\n<top>\n", ":1: a topic without </top>"),
    ],
)
def test_topics_that_are_none_are_refused_with_their_line(
    tmp_path: Path, text: str, why: str
) -> None:
    file = written(tmp_path, text)
    with pytest.raises(BadCollection) as refused:
        read_topics(file)
    assert why in str(refused.value)
    assert str(refused.value).startswith(str(file))


GRADES = st.dictionaries(IDS, st.dictionaries(IDS, st.integers(-127, 127), min_size=1), min_size=1)


@given(GRADES)
def test_qrels_that_are_written_are_read(
    tmp_path_factory: pytest.TempPathFactory, qrels: dict[str, dict[str, int]]
) -> None:
    lines = ["# topic iteration document grade\n"]
    lines += [f"{q} 0  {d}\t{g}\n" for q, grades in qrels.items() for d, g in grades.items()]
    assert read_trec_qrels(written(tmp_path_factory.mktemp("t"), "".join(lines))) == qrels


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "holds no judgment"),
        ("# only a comment\n", "holds no judgment"),
        ("1 0 d\n", ":1: expected topic, iteration, document and an integer grade"),
        ("1 0 d 1 more\n", ":1: expected topic"),
        ("1 0 d 1.0\n", ":1: expected topic"),
        ("1 0 d nan\n", ":1: expected topic"),
        ("1 0 d 128\n", ":1: 128 is no grade: it is from -127 to 127"),
        ("1 0 d 1\n2 0 d 1\n1 0 d 0\n", ":3: 1 d is judged twice"),
    ],
)
def test_qrels_that_are_none_are_refused_with_their_line(
    tmp_path: Path, text: str, why: str
) -> None:
    with pytest.raises(BadCollection, match="file") as refused:
        read_trec_qrels(written(tmp_path, text))
    assert why in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for read in (read_topics, read_trec_qrels):
        with pytest.raises(BadCollection, match="nowhere is missing"):
            read(tmp_path / "nowhere")
