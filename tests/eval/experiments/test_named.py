"""An experiment over one folder: named systems find what they should, and measures are theirs."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from eval.experiments.definition import SystemTable
from eval.experiments.named import SYSTEMS, choose, over
from eval.experiments.running import CollectionRun, run_experiment
from indexers.splitting.pieces import Split, whole
from rag.errors import BadCollection, BadInput, LLMUnavailable
from rag.seams import LLM
from rag.settings import Settings
from tests.eval.tiny import CORPUS, QRELS, QUERIES, by_words, engine_in, write_beir

DEPTH = 100


async def no_llm(_: Settings) -> LLM:
    raise LLMUnavailable("nothing here asks one")


async def run(
    folder: Path,
    *systems: str,
    words: int = 0,
    corpus: Mapping[str, str] = CORPUS,
    url: str = "",
) -> CollectionRun:
    """Run systems over the tiny collection, documents whole or split into chunks of words."""
    split: Split = by_words(words) if words else whole
    tiny = folder / "tiny"
    if not tiny.exists():
        write_beir(tiny, corpus)
    definition = over(tiny, "test", systems, "recursive" if words else "none")
    store = folder / "store"
    (found,) = await run_experiment(
        definition, Settings(), folder / "work", lambda _: engine_in(store, split, url), no_llm
    )
    return found


def ids(found: CollectionRun, system: int, query_id: str) -> list[str]:
    return [one.document_id for one in found.systems[system].ranked[query_id]]


def test_the_known_systems_are_chosen_by_name_in_the_order_asked_none_twice() -> None:
    chosen = choose(["fused", "bm25", "fused"])
    assert chosen == (SystemTable("fused"), SystemTable("bm25", branches=("bm25",)))


def test_an_unknown_system_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(BadInput, match=r"unknown system 'bm52'\. Known: bm25, dense, fused"):
        choose(["bm25", "bm52"])


def test_expansions_follow_a_system_after_a_plus() -> None:
    (system,) = choose(["bm25+rm3+rocchio"])
    assert system == SystemTable("bm25+rm3+rocchio", branches=("bm25",), expand=("rm3", "rocchio"))
    with pytest.raises(BadInput, match=r"unknown expansion 'magic'\. Known: rm3, rocchio"):
        choose(["fused+magic"])


@pytest.mark.anyio
async def test_an_expansion_finds_what_the_words_of_the_query_do_not(tmp_path: Path) -> None:
    found = await run(tmp_path, "bm25", "bm25+rocchio")
    assert set(ids(found, 0, "q1")) < set(ids(found, 1, "q1"))


@pytest.mark.anyio
async def test_every_system_answers_every_query(tmp_path: Path) -> None:
    found = await run(tmp_path, *SYSTEMS)
    assert [one.system.name for one in found.systems] == list(SYSTEMS)
    for one in found.systems:
        assert set(one.ranked) == set(QUERIES)
        assert one.indexed is not None
        assert one.indexed.documents == one.indexed.chunks == len(CORPUS)


@pytest.mark.anyio
async def test_each_system_looks_with_its_own_branches(tmp_path: Path) -> None:
    found = await run(tmp_path, "bm25", "dense", "fused")
    assert set(ids(found, 0, "q1")) == {"cat", "dog"}, "BM25 finds only common words"
    assert ids(found, 0, "q4") == [], "nothing holds the word"
    assert set(ids(found, 1, "q4")) == set(CORPUS), "the dense branch ranks everything"
    assert set(ids(found, 2, "q1")) == set(CORPUS)


@pytest.mark.anyio
async def test_split_documents_stand_once_in_a_ranking_by_their_best_chunk(tmp_path: Path) -> None:
    found = await run(tmp_path, "bm25", "dense", words=6)
    indexed = found.systems[0].indexed
    assert indexed is not None
    assert indexed.documents == len(CORPUS)
    assert indexed.chunks > len(CORPUS), "the fox has two sentences"
    for query_id in QUERIES:
        for system in range(2):
            ranked = ids(found, system, query_id)
            assert len(ranked) == len(set(ranked))
    assert ids(found, 1, "q2")[0] == "fox"


@pytest.mark.parametrize("words", [0, 6])
@pytest.mark.anyio
async def test_rankings_end_at_a_hundred_documents(tmp_path: Path, words: int) -> None:
    many = {f"d{i:03}": f"cat number {i}" for i in range(DEPTH + 20)} | CORPUS
    found = await run(tmp_path, "bm25", "fused", words=words, corpus=many)
    assert len(ids(found, 0, "q1")) == len(ids(found, 1, "q1")) == DEPTH


@pytest.mark.anyio
async def test_a_document_whose_id_is_the_query_s_is_kept(tmp_path: Path) -> None:
    write_beir(tmp_path / "tiny", {"q1": "cat", "d": "dog"}, {"q1": "cat"}, {"q1": {"q1": 1}})
    assert ids(await run(tmp_path, "bm25"), 0, "q1") == ["q1"]


@pytest.mark.anyio
async def test_the_same_collection_gives_the_same_rankings_twice(tmp_path: Path) -> None:
    first, second = await run(tmp_path / "a", "fused"), await run(tmp_path / "b", "fused")
    assert first.systems[0].ranked == second.systems[0].ranked


@pytest.mark.anyio
async def test_documents_that_cannot_be_read_are_reported_with_their_line(tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "tiny")
    with (folder / "corpus.jsonl").open("a", encoding="utf-8") as file:
        file.write("{broken\n")
    (indexed,) = (one.indexed for one in (await run(tmp_path, "bm25")).systems)
    assert indexed is not None
    (fault,) = indexed.faults
    assert fault.startswith(f"corpus.jsonl:{len(CORPUS) + 1}: not JSON")
    assert indexed.documents == len(CORPUS)


@pytest.mark.anyio
async def test_a_corpus_without_a_readable_document_is_refused_and_not_scored_zero(
    tmp_path: Path,
) -> None:
    folder = write_beir(tmp_path / "tiny")
    (folder / "corpus.jsonl").write_text("{broken\n", encoding="utf-8")
    with pytest.raises(
        BadCollection,
        match=r"no document of the corpus can be read, e\.g\. .*corpus\.jsonl:1: not JSON",
    ):
        await run(tmp_path, "bm25")


@pytest.mark.filterwarnings("ignore:Payload indexes have no effect")  # local mode says so
@pytest.mark.anyio
async def test_a_qdrant_server_gives_the_rankings_of_the_embedded_store(tmp_path: Path) -> None:
    systems = ("bm25", "dense", "fused")
    embedded = await run(tmp_path / "a", *systems)
    remote = await run(tmp_path / "b", *systems, url=":memory:")
    for number in range(len(systems)):
        for query_id in QRELS:
            assert ids(embedded, number, query_id) == ids(remote, number, query_id)
