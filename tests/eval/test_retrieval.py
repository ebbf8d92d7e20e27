"""Retrieval evaluation, end to end on a tiny collection: index, ask, measure."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from eval.data.collection import Collection, read_collection
from eval.retrieval import DEPTH, SYSTEMS, Experiment, System, choose, evaluate
from indexers.splitting.pieces import Split, whole
from rag.errors import BadCollection, BadInput, CollectionMismatch
from rag.values import Document
from tests.eval.tiny import CORPUS, QRELS, QUERIES, by_words, engine_in, write_beir


def tiny(folder: Path, corpus: Mapping[str, str] = CORPUS) -> Collection:
    return read_collection(write_beir(folder / "tiny", corpus), "test")


async def run(folder: Path, *systems: str, words: int = 0) -> Experiment:
    """Evaluate systems on the tiny collection, documents whole or split into chunks of words."""
    engine = engine_in(folder / "store", by_words(words) if words else whole)
    try:
        return await evaluate(tiny(folder), choose(systems), engine)
    finally:
        await engine.close()


def ids(experiment: Experiment, system: int, query_id: str) -> list[str]:
    return [d.document_id for d in experiment.systems[system].ranked[query_id]]


def test_the_known_systems_are_chosen_by_name_in_the_order_asked_none_twice() -> None:
    chosen = choose(["fused", "bm25", "fused"])
    assert list(chosen.items()) == [("fused", System()), ("bm25", System(branches=("bm25",)))]


def test_an_unknown_system_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(BadInput, match=r"unknown system 'bm52'\. Known: bm25, dense, fused"):
        choose(["bm25", "bm52"])


def test_expansions_follow_a_system_after_a_plus() -> None:
    (system,) = choose(["bm25+rm3+rocchio"]).values()
    assert system == System(branches=("bm25",), expand=("rm3", "rocchio"))
    with pytest.raises(BadInput, match=r"unknown expansion 'magic'\. Known: rm3, rocchio"):
        choose(["fused+magic"])


@pytest.mark.anyio
async def test_an_expansion_finds_what_the_words_of_the_query_do_not(tmp_path: Path) -> None:
    experiment = await run(tmp_path, "bm25", "bm25+rocchio")
    assert set(ids(experiment, 0, "q1")) < set(ids(experiment, 1, "q1"))


@pytest.mark.anyio
async def test_every_system_answers_every_query(tmp_path: Path) -> None:
    experiment = await run(tmp_path, *SYSTEMS)
    assert [system.name for system in experiment.systems] == list(SYSTEMS)
    for system in experiment.systems:
        assert set(system.ranked) == set(QUERIES)
        assert 0 < system.p50_ms <= system.p95_ms
    assert experiment.index.documents == experiment.index.chunks == len(CORPUS)
    assert experiment.index.faults == ()


@pytest.mark.anyio
async def test_each_system_looks_with_its_own_branches(tmp_path: Path) -> None:
    experiment = await run(tmp_path, "bm25", "dense", "fused")
    assert set(ids(experiment, 0, "q1")) == {"cat", "dog"}, "BM25 finds only common words"
    assert ids(experiment, 0, "q4") == [], "nothing holds the word"
    assert set(ids(experiment, 1, "q4")) == set(CORPUS), "the dense branch ranks everything"
    assert set(ids(experiment, 2, "q1")) == set(CORPUS)


@pytest.mark.anyio
async def test_measures_are_those_of_the_rankings(tmp_path: Path) -> None:
    bm25 = (await run(tmp_path, "bm25")).systems[0].scores
    # q1: both relevant documents are found, q2: the one, q4: nothing; q3 has none that is relevant.
    assert bm25.means["R@100"] == pytest.approx((2 / 2 + 1 / 1 + 0) / 3)
    assert bm25.means["RR@10"] == pytest.approx((1 + 1 + 0) / 3)
    assert bm25.per_query["q4"]["nDCG@10"] == 0
    assert (bm25.unanswered, bm25.without_relevant) == (1, 1)


@pytest.mark.anyio
async def test_split_documents_stand_once_in_a_ranking_by_their_best_chunk(tmp_path: Path) -> None:
    experiment = await run(tmp_path, "bm25", "dense", words=6)
    assert experiment.index.documents == len(CORPUS)
    assert experiment.index.chunks > len(CORPUS), "the fox has two sentences"
    for query_id in QUERIES:
        for system in range(2):
            found = ids(experiment, system, query_id)
            assert len(found) == len(set(found))
    assert ids(experiment, 1, "q2")[0] == "fox"


@pytest.mark.anyio
async def test_the_configuration_says_what_was_measured(tmp_path: Path) -> None:
    experiment = await run(tmp_path, "fused")
    assert experiment.configuration == {
        "encoder": "hashed/64",
        "precision": "fp32 ()",
        "bm25": "qdrant-bm25/english/k1=0.9/b=0.4",
        "mean_length": pytest.approx(3.5, abs=1.5),
        "splitter": "none",
        "fusion": "dbsf",
        "depth_per_branch": 100,
        "store": "qdrant edge",
    }


@pytest.mark.parametrize("split", [whole, by_words(6)])
@pytest.mark.anyio
async def test_rankings_end_at_a_hundred_documents(tmp_path: Path, split: Split) -> None:
    many = {f"d{i:03}": f"cat number {i}" for i in range(DEPTH + 20)} | CORPUS
    engine = engine_in(tmp_path / "store", split)
    experiment = await evaluate(tiny(tmp_path, many), choose(["bm25", "fused"]), engine)
    await engine.close()
    assert len(experiment.systems[0].ranked["q1"]) == DEPTH
    assert len(experiment.systems[1].ranked["q1"]) == DEPTH


@pytest.mark.anyio
async def test_a_document_whose_id_is_the_query_s_is_kept(tmp_path: Path) -> None:
    folder = write_beir(
        tmp_path / "tiny", {"q1": "cat", "d": "dog"}, {"q1": "cat"}, {"q1": {"q1": 1}}
    )
    engine = engine_in(tmp_path / "store")
    experiment = await evaluate(read_collection(folder, "test"), choose(["bm25"]), engine)
    await engine.close()
    assert experiment.systems[0].scores.means["RR@10"] == 1


@pytest.mark.anyio
async def test_the_same_collection_gives_the_same_rankings_twice(tmp_path: Path) -> None:
    first, second = await run(tmp_path / "a", "fused"), await run(tmp_path / "b", "fused")
    assert first.systems[0].ranked == second.systems[0].ranked
    assert first.systems[0].scores == second.systems[0].scores


@pytest.mark.anyio
async def test_progress_tells_stages_and_counts(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    engine = engine_in(tmp_path / "store")
    await evaluate(
        tiny(tmp_path), choose(["bm25"]), engine, lambda *progress: told.append(progress)
    )
    await engine.close()
    assert ("search bm25", len(QUERIES), len(QUERIES)) in told
    assert {"read", "encode", "optimize"} <= {stage for stage, _, _ in told}


@pytest.mark.anyio
async def test_documents_that_cannot_be_read_are_reported_with_their_line(tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "tiny")
    with (folder / "corpus.jsonl").open("a", encoding="utf-8") as file:
        file.write("{broken\n")
    engine = engine_in(tmp_path / "store")
    experiment = await evaluate(read_collection(folder, "test"), choose(["bm25"]), engine)
    await engine.close()
    (fault,) = experiment.index.faults
    assert (Path(fault.source).name, fault.line) == ("corpus.jsonl", len(CORPUS) + 1)
    assert experiment.index.documents == len(CORPUS)


@pytest.mark.anyio
async def test_a_corpus_without_a_readable_document_is_refused_and_not_scored_zero(
    tmp_path: Path,
) -> None:
    folder = write_beir(tmp_path / "tiny")
    (folder / "corpus.jsonl").write_text("{broken\n", encoding="utf-8")
    engine = engine_in(tmp_path / "store")
    with pytest.raises(BadCollection, match=r"no document of .*corpus\.jsonl:1: not JSON"):
        await evaluate(read_collection(folder, "test"), choose(["bm25"]), engine)
    await engine.close()


@pytest.mark.anyio
async def test_documents_of_an_earlier_run_are_not_measured_in_silence(tmp_path: Path) -> None:
    engine = engine_in(tmp_path / "store")
    collection = tiny(tmp_path)
    await evaluate(collection, choose(["bm25"]), engine)
    (name,) = (path.name.partition("@")[0] for path in (tmp_path / "store").glob("*@*"))
    await engine.index([Document("old", "The cat of yesterday.")], name)
    with pytest.raises(CollectionMismatch, match=r"holds 5 chunks and the corpus has 4"):
        await evaluate(collection, choose(["bm25"]), engine)
    await engine.close()


@pytest.mark.anyio
async def test_one_server_can_hold_the_same_corpus_whole_and_split(tmp_path: Path) -> None:
    collection = tiny(tmp_path)
    names = []
    for split in (whole, by_words(6)):
        engine = engine_in(tmp_path / "store", split)
        await evaluate(collection, choose(["bm25"]), engine)
        await engine.close()
        names.append({path.name for path in (tmp_path / "store").glob("*@*")})
    assert len(names[0]) == 1
    assert len(names[1]) == 2


@pytest.mark.filterwarnings("ignore:Payload indexes have no effect")  # local mode says so
@pytest.mark.anyio
async def test_a_qdrant_server_gives_the_rankings_of_the_embedded_store(tmp_path: Path) -> None:
    embedded = await run(tmp_path / "a", "bm25", "dense", "fused")
    engine = engine_in(tmp_path / "none", url=":memory:")
    remote = await evaluate(tiny(tmp_path), choose(["bm25", "dense", "fused"]), engine)
    await engine.close()
    assert remote.configuration["store"] == "qdrant server"
    for ours, theirs in zip(embedded.systems, remote.systems, strict=True):
        for query_id in QRELS:
            assert [d.document_id for d in ours.ranked[query_id]] == [
                d.document_id for d in theirs.ranked[query_id]
            ]
