"""Questions with answers: what is written comes back, what is wrong is refused with its line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.data.questions import read_questions_file
from rag.errors import BadCollection

TEXTS = st.text(min_size=1, max_size=9).filter(lambda text: bool(text.strip()))


def written(folder: Path, *rows: object) -> Path:
    file = folder / "questions.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def test_what_supports_an_answer_has_grade_1(tmp_path: Path) -> None:
    found = read_questions_file(
        written(
            tmp_path,
            {"id": "a", "question": "Who?", "answers": ["Ada", "Ada L."], "ids": ["d1", "d2"]},
            {"id": "b", "question": "When?", "further": {"keys": "are passed over"}},
        )
    )
    assert found.texts == {"a": "Who?", "b": "When?"}
    assert found.answers == {"a": ("Ada", "Ada L."), "b": ()}
    assert found.qrels == {"a": {"d1": 1, "d2": 1}}


def test_a_question_without_an_id_has_its_lines_number(tmp_path: Path) -> None:
    file = written(tmp_path, {"question": "Who?", "ids": [7]}, {"question": "When?"})
    assert read_questions_file(file).texts == {"1": "Who?", "2": "When?"}
    assert read_questions_file(file).qrels == {"1": {"7": 1}}


@given(
    st.dictionaries(
        TEXTS,
        st.tuples(TEXTS, st.lists(st.text()), st.lists(TEXTS, unique=True)),
        min_size=1,
    )
)
def test_questions_that_are_written_are_read(
    tmp_path_factory: pytest.TempPathFactory,
    rows: dict[str, tuple[str, list[str], list[str]]],
) -> None:
    lines = [
        {"id": id_, "question": question, "answers": answers, "ids": ids}
        for id_, (question, answers, ids) in rows.items()
    ]
    found = read_questions_file(written(tmp_path_factory.mktemp("q"), *lines))
    assert found.texts == {id_: row[0] for id_, row in rows.items()}
    assert found.answers == {id_: tuple(row[1]) for id_, row in rows.items()}
    assert found.qrels == {id_: dict.fromkeys(row[2], 1) for id_, row in rows.items() if row[2]}


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([], "holds no question"),
        (["text"], ":1: no question"),
        ([{"answers": []}], ":1: no question"),
        ([{"question": " "}], ":1: no question: `question` is blank"),
        ([{"id": "a", "question": "?"}] * 2, ":2: question 'a' stands here twice"),
        ([{"question": "?", "ids": ["d", "d"]}], ":1: `ids` names a document twice"),
        ([{"question": "?", "ids": [" "]}], ":1: `ids` holds a blank id"),
        (
            [{"id": 1, "question": "?"}, {"id": "2", "question": "?"}],
            ":2: `id` is a string here and a number before",
        ),
        ([{"question": "?", "ids": ["d", 1]}], ":1: `ids` is a number here and a string before"),
    ],
)
def test_questions_that_are_none_are_refused_with_their_line(
    tmp_path: Path, rows: list[object], why: str
) -> None:
    with pytest.raises(BadCollection) as refused:
        read_questions_file(written(tmp_path, *rows))
    assert why in str(refused.value)
