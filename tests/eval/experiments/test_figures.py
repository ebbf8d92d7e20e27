"""The figures of a real collection, as the documents quote them: a miss is a fault, not noise."""

from pathlib import Path

import pytest

from eval.experiments.named import USUAL, over
from eval.experiments.running import run_experiment
from eval.measures import score
from rag.settings import Settings
from rag.wiring import build, open_llm

TOLERANCE = 0.005


@pytest.mark.model
@pytest.mark.collections
@pytest.mark.anyio
async def test_hotpotqa_figures_are_the_known_ones(collections: Path, tmp_path: Path) -> None:
    definition = over(collections / "hotpotqa-hippo100", "test", USUAL, "none")
    (of,) = await run_experiment(definition, Settings(), tmp_path, build, open_llm)
    found = {}
    for one in of.systems:
        run = {query_id: [d.document_id for d in ranked] for query_id, ranked in one.ranked.items()}
        found[one.system.name] = score(run, of.tested.qrels).means["nDCG@10"]
    known = {"bm25": 0.805, "dense": 0.785, "fused": 0.837}
    assert found == pytest.approx(known, abs=TOLERANCE)
