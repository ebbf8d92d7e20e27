"""Answers as the settings say: packed, limited, and gated by a calibration made of one's own."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from indexers.encoders.hashed import HashedEncoder
from indexers.split import whole
from rag.calibration_file import write_calibration
from rag.errors import BadInput, BadSettings
from rag.packing import Packing
from rag.sections import AnswerSettings, IndexSettings, StoreSettings
from rag.settings import Settings
from rag.values import Document, Query
from rag.wiring import Engine
from rag.wiring.answering import packing
from rag.wiring.calibrating import calibrated

TOWERS = [
    Document(f"t{i}", f"The tower number {i} was built by mason {i}. It is tall and old.")
    for i in range(12)
]
LABELLED = [
    *((f"Who built the tower number {i}, was it the mason?", True) for i in range(12)),
    *((f"What do dolphins eat during winter {i}?", False) for i in range(12)),
]


def engine(folder: Path, **answer: object) -> Engine:
    """Return an engine over hashed vectors; nothing is under its floor."""
    settings = Settings(
        store=StoreSettings(path=str(folder / "store")), index=IndexSettings(splitter="none")
    )
    section = replace(AnswerSettings(floor=-1), **answer)
    return Engine(replace(settings, answer=section), HashedEncoder(), whole)


def test_every_setting_of_packing_is_packed_by() -> None:
    section = AnswerSettings(
        passages=7, tokens=900, per_document=2, passage_floor=0.5, order="middle"
    )
    assert packing(section) == Packing(7, 900, 2, 0.5, "middle")


@pytest.mark.anyio
async def test_a_calibration_decides_what_is_answered(tmp_path: Path) -> None:
    first = engine(tmp_path)
    await first.index(TOWERS, "towers")
    found = await calibrated(first, "towers", LABELLED, None)
    assert found.held_out["right"] > found.held_out["wrong"]
    file = tmp_path / "answer.toml"
    write_calibration(found, file)
    second = engine(tmp_path, calibration=str(file))
    path = await second.collection("towers")
    built = await path.answer(Query("Who built the tower number 3, was it the mason?"))
    assert (built.answerable, built.reason) == ("yes", "")
    dolphins = await path.answer(Query("What do dolphins eat during summer?"))
    assert (dolphins.answerable, dolphins.text) == ("no", "")
    assert dolphins.reason.startswith("what was found hardly answers the question")
    await second.close()


@pytest.mark.anyio
async def test_an_engine_is_closed_that_could_not_be_calibrated(tmp_path: Path) -> None:
    first = engine(tmp_path)
    await first.index(TOWERS, "towers")
    with pytest.raises(BadInput, match="20 in all are wanted"):
        await calibrated(first, "towers", LABELLED[:5], None)
    again = engine(tmp_path)  # which a locked store would refuse
    await again.collection("towers")
    await again.close()


def test_a_calibration_that_is_not_there_is_refused_when_the_engine_is_made(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="calibrate again"):
        engine(tmp_path, calibration=str(tmp_path / "none.toml"))
