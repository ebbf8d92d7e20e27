"""The figures of a real collection, as the documents quote them: a miss is a fault, not noise."""

from pathlib import Path

import msgspec
import pytest

from eval.data.collection import read_collection
from eval.retrieval import choose, evaluate
from rag.sections import IndexSettings, StoreSettings
from rag.settings import Settings
from rag.wiring import build

TOLERANCE = 0.005


@pytest.mark.model
@pytest.mark.collections
@pytest.mark.anyio
async def test_hotpotqa_figures_are_the_known_ones(collections: Path, tmp_path: Path) -> None:
    settings = msgspec.structs.replace(
        Settings(),
        store=StoreSettings(path=str(tmp_path)),
        index=IndexSettings(splitter="none"),
    )
    engine = build(settings)
    try:
        collection = read_collection(collections / "hotpotqa-hippo100", "test")
        systems = choose(("bm25", "dense", "fused"))
        experiment = await evaluate(collection, systems, engine, lambda *_: None)
    finally:
        await engine.close()
    found = {system.name: system.scores.means["nDCG@10"] for system in experiment.systems}
    known = {"bm25": 0.805, "dense": 0.785, "fused": 0.837}
    assert found == pytest.approx(known, abs=TOLERANCE)
