"""Judges over the packaged model: it is no good one, but what it says is kept and valid."""

from pathlib import Path

import pytest

from eval.judges.judge import Room
from eval.judges.ledger import Ledger, read_ledger
from eval.judges.methods import JUDGES
from eval.judges.opening import make_judge, open_judge
from rag.errors import ModelUnavailable
from rag.llms import embedded
from rag.sections import LLMSettings
from rag.settings import Settings, models_folder
from rag.values import Case
from rag.wiring import open_llm

pytestmark = [pytest.mark.model, pytest.mark.anyio]

CASES = [
    Case("q1", "what is the capital of France", "paris", "Paris is the capital of France."),
    Case("q1", "what is the capital of France", "soup", "Stir the soup for ten minutes."),
]


@pytest.fixture
def settings() -> Settings:
    found = Settings(llm=LLMSettings(replies_mb=0))
    try:
        embedded.converted(models_folder(found))
    except ModelUnavailable as error:
        pytest.skip(str(error))
    return found


async def test_every_judge_is_answered_and_its_second_run_asks_nothing(
    settings: Settings, tmp_path: Path
) -> None:
    llm = await open_llm(settings)
    file = tmp_path / "ledger.jsonl"
    with Ledger(file) as ledger:
        first = {
            name: await make_judge(name, llm, ledger, None, Room()).assess(CASES[:1])
            for name in JUDGES
        }
    with Ledger(file) as ledger:
        for name, said in first.items():
            assert await make_judge(name, llm, ledger, None, Room()).assess(CASES[:1]) == said
        assert ledger.asked == 0
    await llm.close()
    assert all(one.grade in {None, 0, 1, 2, 3} for said in first.values() for one in said)
    assert [one.grade is not None for one in first["expected"]] == [True]
    entries = read_ledger(file)
    assert {entry.judge for entry in entries} == set(JUDGES)
    assert all(entry.tokens_in > 50 for entry in entries)


async def test_a_judge_is_opened_with_the_model_of_the_settings(settings: Settings) -> None:
    async with open_judge("expected", settings) as judge:
        paris, soup = await judge.assess(CASES)
    assert judge.lineage.family == "smollm"
    assert paris.score is not None
    assert soup.score is not None
