"""A collection that is indexed to be asked is that collection, and nothing else."""

from pathlib import Path

import pytest

from eval.answers.indexing import configuration, indexed, scratch_name
from indexers.splitting.pieces import whole
from rag.errors import BadCollection, CollectionMismatch
from rag.showing import silent
from rag.values import Document
from tests.eval.tiny import CORPUS, by_words, engine_in, write_beir

pytestmark = pytest.mark.anyio


async def test_the_configuration_says_what_was_indexed_and_progress_what_is_done(
    tmp_path: Path,
) -> None:
    engine = engine_in(tmp_path / "store")
    told: list[tuple[str, int, int]] = []
    folder = write_beir(tmp_path / "tiny")
    report, path = await indexed(folder, "tiny", engine, lambda *it: told.append(it))
    found = await configuration(engine, path)
    await engine.close()
    assert report.documents == len(CORPUS)
    assert {"read", "encode", "optimize"} <= {stage for stage, _, _ in told}
    assert found == {
        "encoder": "hashed/64",
        "precision": "fp32 ()",
        "bm25": "qdrant-bm25/english/k1=0.9/b=0.4",
        "mean_length": pytest.approx(3.5, abs=1.5),
        "splitter": "none",
        "fusion": "dbsf",
        "depth_per_branch": 100,
        "store": "qdrant edge",
    }


async def test_a_corpus_without_a_readable_document_is_refused(tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "tiny")
    (folder / "corpus.jsonl").write_text("{broken\n", encoding="utf-8")
    engine = engine_in(tmp_path / "store")
    with pytest.raises(BadCollection, match=r"no document of .*corpus\.jsonl:1: not JSON"):
        await indexed(folder, "tiny", engine, silent)
    await engine.close()


async def test_documents_of_an_earlier_run_are_not_measured_in_silence(tmp_path: Path) -> None:
    engine = engine_in(tmp_path / "store")
    folder = write_beir(tmp_path / "tiny")
    await indexed(folder, "tiny", engine, silent)
    await engine.index([Document("old", "The cat of yesterday.")], "tiny")
    with pytest.raises(CollectionMismatch, match=r"holds 5 chunks and the corpus has 4"):
        await indexed(folder, "tiny", engine, silent)
    await engine.close()


async def test_one_server_can_hold_the_same_corpus_whole_and_split(tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "tiny")
    names = set()
    for split in (whole, by_words(6)):
        engine = engine_in(tmp_path / "store", split)
        names.add(scratch_name(folder, engine))
        await engine.close()
    assert len(names) == 2
