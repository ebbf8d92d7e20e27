"""A log of outcomes: read back as it was written, or refused with what is wrong."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexers.encoders.hashed import HashedEncoder
from rag.errors import BadInput, BadSettings
from rag.route.log_file import Log, logged, read_log, write_log
from rag.route.silver import Outcome
from rag.values import Vector

in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
OUTCOMES = (
    Outcome("When was the tower built?", {"A": False, "B": True, "C": True}),
    Outcome("What is two and two?", {"A": True, "B": False, "C": False}),
    Outcome("Who knows?", {"A": False, "B": False, "C": False}),
)
VECTORS: Vector = np.eye(3, dtype=np.float32)
LOG = Log("tiny/3", OUTCOMES, VECTORS)


@in_one_folder
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
            st.sets(st.sampled_from(["A", "B", "C"])),
            st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=2),
        ),
        min_size=1,
    )
)
def test_what_is_written_is_read_back_exactly(
    tmp_path: Path, rows: list[tuple[str, set[str], list[float]]]
) -> None:
    outcomes = tuple(
        Outcome(question, {"A": "A" in right, "B": "B" in right, "C": "C" in right})
        for question, right, _ in rows
    )
    vectors = np.array([vector for _, _, vector in rows], np.float32)
    write_log(Log("tiny/2", outcomes, vectors), tmp_path / "log.jsonl")
    log = read_log(tmp_path / "log.jsonl")
    assert (log.encoder, log.outcomes) == ("tiny/2", outcomes)
    assert np.array_equal(log.vectors, vectors)


def test_people_can_read_the_file(tmp_path: Path) -> None:
    write_log(LOG, tmp_path / "log.jsonl")
    head, first, *_ = (tmp_path / "log.jsonl").read_text().splitlines()
    assert head == '{"kind":"neighbours","format":1,"encoder":"tiny/3"}'
    assert first.startswith(
        '{"question":"When was the tower built?","A":false,"B":true,"C":true,"vector":"'
    )


def test_the_log_says_whether_searches_helped() -> None:
    assert str(LOG) == "3 questions: a search helped 1, did harm 1, made no difference to 1"


@pytest.mark.anyio
async def test_questions_are_encoded_as_questions_by_the_encoder_that_is_named() -> None:
    encoder = HashedEncoder()
    log = await logged(OUTCOMES, encoder)
    assert log.encoder == encoder.spec.fingerprint
    texts = [one.question for one in OUTCOMES]
    assert np.array_equal(log.vectors, await encoder.encode(texts, "query"))
    with pytest.raises(BadInput, match="log some questions first"):
        await logged([], encoder)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"format":1', '"format":2', "Invalid enum value 2"),
        ('"kind":"neighbours"', '"kind":"classifier"', "Invalid enum value 'classifier'"),
        ('"encoder":"tiny/3"', '"model":"tiny/3"', "unknown field `model`"),
        ('"A":false', '"A":"no"', "Expected `bool`, got `str`"),
        ('"vector":"AACAPwAAAAAAAAAA"', '"vector":"AACAPw=="', "same shape"),
        ('"vector":"AACAPwAAAAAAAAAA"', '"vector":"AACA"', "multiple of element size"),
        ('"vector":"AACAPwAAAAAAAAAA"', '"vector":"?"', "base64"),
        ('"vector":"AACAPwAAAAAAAAAA"', '"vector":"AADAfwAAAAAAAAAA"', "not finite"),
    ],
)
def test_a_damaged_file_is_refused_with_what_is_wrong(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    file = tmp_path / "log.jsonl"
    write_log(LOG, file)
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(BadSettings, match=message) as raised:
        read_log(file)
    assert "log.jsonl" in str(raised.value)
    assert "firstcite route train --kind neighbours" in str(raised.value)


@in_one_folder
@given(st.binary())
def test_bytes_that_are_no_log_are_refused(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "junk").write_bytes(junk)
    with pytest.raises(BadSettings, match="is no log of a router"):
        read_log(tmp_path / "junk")


def test_a_log_without_outcomes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"kind":"neighbours","format":1,"encoder":"tiny/3"}\n')
    with pytest.raises(BadSettings, match="is no log of a router"):
        read_log(tmp_path / "log.jsonl")


def test_a_file_that_is_missing_or_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"none\.jsonl: No such file"):
        read_log(tmp_path / "none.jsonl")
    with pytest.raises(BadInput, match=r"log\.jsonl: No such file .*name a file that can be"):
        write_log(LOG, tmp_path / "no folder" / "log.jsonl")
