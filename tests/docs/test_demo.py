"""The demo's three questions are answered, from the files that `make demo` indexes."""

import re
from pathlib import Path

import pytest

from indexers.reading import read_paths
from rag.cli.verify import verify
from rag.sections import StoreSettings
from rag.settings import Settings
from rag.values import Query
from rag.wiring import build

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
QUESTIONS = re.findall(r'ask --verify "([^"]+)"', MAKEFILE)


@pytest.mark.model
@pytest.mark.anyio
async def test_every_demo_question_has_an_answer_whose_quotes_stand_in_the_files(
    tmp_path: Path,
) -> None:
    assert len(QUESTIONS) == 3
    engine = build(Settings(store=StoreSettings(path=str(tmp_path))))
    try:
        paths = [ROOT / "README.md", ROOT / "docs", ROOT / "examples" / "handbook"]
        await engine.index(read_paths(paths), "demo")
        for question in QUESTIONS:
            answer = await (await engine.collection("demo")).answer(Query(question))
            assert not answer.abstained, f"{question}: {answer.reason}"
            assert all(holds for _, _, holds in verify(answer))
    finally:
        await engine.close()
