"""The judge that needs no model tells a person's answer from one to another question."""

import asyncio
from pathlib import Path

import pytest

from eval.studies.answer_axes import validity
from eval.studies.clapnq import read_asked


@pytest.mark.collections
def test_words_find_most_of_one_persons_answer_in_anothers_and_nothing_elsewhere(
    collections: Path,
) -> None:
    found = asyncio.run(validity(read_asked(collections / "clapnq-dev")))
    same, another = found["same question"], found["another question"]
    assert same["answers"] == another["answers"] == 140
    assert same["W"] == pytest.approx(0.683, abs=0.001)
    assert another["W"] == pytest.approx(0.002, abs=0.001)
