"""The ledger: nothing is asked twice, whatever happened to the run before."""

from pathlib import Path

import pytest

from eval.judges.judge import Room
from eval.judges.ledger import Ledger, read_ledger
from rag.errors import BadCollection, BadInput, LLMUnavailable
from rag.llms.scripted import ScriptedLLM
from rag.values import Complete
from tests.eval.judges.asking import case, judge, said, writes

pytestmark = pytest.mark.anyio

CASES = [case(f"d{n}") for n in range(10)]


def grader(fingerprint: str = "one") -> ScriptedLLM:
    def reply(request: Complete) -> str:
        return "no idea" if "text d3" in said(request.prompt) else "##final score: 1"

    return ScriptedLLM(complete=reply, fingerprint=fingerprint)


async def test_a_second_run_asks_nothing_and_says_the_same(tmp_path: Path) -> None:
    file, first, second = tmp_path / "ledger.jsonl", grader(), grader()
    with Ledger(file) as ledger:
        before = await judge("graded", first, ledger).assess(CASES)
    with Ledger(file) as ledger:
        assert await judge("graded", second, ledger).assess(CASES) == before
        assert ledger.asked == 0
    assert len(first.history) == 11  # one was asked a second way, and is missing for good
    assert second.history == []


async def test_every_line_holds_the_raw_reply_and_who_gave_it(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    with Ledger(file) as ledger:
        await judge("graded", grader(), ledger).assess(CASES[3:5])
    entries = {(e.document_id, e.attempt): e for e in read_ledger(file)}
    assert {at: (e.text, e.value) for at, e in entries.items()} == {
        ("d3", 0): ("no idea", None),
        ("d3", 1): ("no idea", None),
        ("d4", 0): ("##final score: 1", 1.0),
    }
    one = entries["d4", 0]
    assert (one.judge, one.model, one.parser, one.step) == (
        "graded",
        "one",
        "final-score/1",
        "grade",
    )
    assert len({e.key for e in entries.values()}) == 3
    assert one.time > 1_700_000_000


async def test_another_model_or_another_text_is_asked(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        await judge("graded", grader(), ledger).assess(CASES[:1])
        await judge("graded", grader("two"), ledger).assess(CASES[:1])
        await judge("graded", grader(), ledger).assess([case("d0", "changed")])
        assert ledger.asked == 3


async def test_a_question_that_stands_twice_is_asked_once() -> None:
    llm = grader()
    await judge("graded", llm).assess([case("a", "same"), case("b", "same"), case("a", "same")])
    assert len(llm.history) == 1


@pytest.mark.parametrize("torn", [b'{"key":"ab', b"{", b"\x00" * 70_000])
async def test_a_torn_last_line_is_taken_off_and_asked_again(tmp_path: Path, torn: bytes) -> None:
    file = tmp_path / "ledger.jsonl"
    with Ledger(file) as ledger:
        await judge("graded", grader(), ledger).assess(CASES[:2])
    whole = file.read_bytes()
    file.write_bytes(whole + torn)
    with Ledger(file) as ledger:
        await judge("graded", grader(), ledger).assess(CASES[:3])
        assert ledger.asked == 1
    assert file.read_bytes().startswith(whole)
    assert len(read_ledger(file)) == 3


async def test_a_ledger_that_is_only_a_torn_line_is_empty(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    file.write_bytes(b'{"key":')
    with Ledger(file):
        assert file.read_bytes() == b""


async def test_a_damaged_line_within_is_named_and_not_skipped(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    file.write_bytes(b'{"key": 1}\n')
    with pytest.raises(BadCollection, match=r"ledger\.jsonl:1 is damaged"):
        Ledger(file)
    with pytest.raises(BadCollection, match="delete the line"):  # the lock was given back
        Ledger(file)


async def test_two_runs_cannot_pay_for_the_same_at_the_same_time(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.jsonl"), pytest.raises(BadInput, match="another run"):
        Ledger(tmp_path / "ledger.jsonl")
    Ledger(tmp_path / "ledger.jsonl").close()


async def test_what_was_said_before_a_model_failed_is_kept(tmp_path: Path) -> None:
    def fails(text: str) -> str:
        if "text d6" in text:
            raise LLMUnavailable("the server is gone: start it")
        return "##final score: 2"

    room = Room(together=1, lanes=2)
    file = tmp_path / "ledger.jsonl"
    with Ledger(file) as ledger, pytest.raises(LLMUnavailable, match="start it"):
        await judge("graded", writes(fails), ledger, room).assess(CASES)
    known = len(read_ledger(file))
    assert known >= 5
    llm = grader()
    llm.history.clear()
    with Ledger(file) as ledger:
        again = ScriptedLLM(complete=lambda _: "##final score: 2")
        of = await judge("graded", again, ledger, room).assess(CASES)
    assert [one.grade for one in of] == [2] * 10
    assert len(again.history) == 10 - known
