"""Experiments are run: as the query path would, each stage once, whatever interrupts them."""

import gzip
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from eval.data.runs import best_chunks
from eval.experiments.definition import settings_of
from eval.experiments.opening import query_of
from eval.experiments.running import CollectionRun, SystemRun
from rag.errors import BadCollection, LLMUnavailable, StoreLocked
from rag.expand.expand import ExpansionCache
from rag.llms.scripted import ScriptedLLM
from rag.parts import Parts
from rag.pipeline import QueryPath
from rag.sections import StoreSettings
from rag.settings import Settings
from rag.values import Score, Scored
from rag.wiring import Rerankers
from tests.eval.experiments.fakes import Lab
from tests.eval.tiny import CORPUS, QUERIES, write_beir

pytestmark = pytest.mark.anyio

PLANS = {
    "bm25": 'branches = ["bm25"]',
    "dense": 'branches = ["dense"]',
    "fused": "",
    "rrf": 'fusion = "rrf"\nsettings.search.rrf_k = 3',
    "deep": "settings.search.depth = 200",
    "weighed": 'fusion = "convex"\nsettings.search.dense_weight = 0.9',
    "rocchio": 'expand = ["rocchio"]',
    "two": 'branches = ["bm25"]\nexpand = ["rm3", "query2doc"]',
    "steps": 'iterate = "decompose"\ncalls = 5',
    "both": 'expand = ["query2doc"]\niterate = "iter-retgen"\ncalls = 7',
    "likely": 'rerank = {method = "query-likelihood", depth = 3}',
    "alone": 'rerank = {method = "query-likelihood", depth = 3, guard = "none"}',
    "pairs": 'rerank = {method = "pairwise", schedule = "allpair", depth = 4}',
    "shuffled": 'shuffles = 2\nrerank = {method = "query-likelihood", depth = 3, guard = "none"}',
    "cascade": 'rerank = {method = "query-likelihood:4, first:2", depth = 4}',
    "again": 'rerank = {method = "first", depth = 3}\nsettings.rerank.feedback = "kl"',
}


def described(folder: Path, *names: str, splitter: str = "none", extra: str = "") -> str:
    """Return a file over the tiny collection with some of the plans."""
    if not (folder / "tiny").exists():
        write_beir(folder / "tiny")
    systems = "".join(f'[[systems]]\nname = "{name}"\n{PLANS[name]}\n' for name in names)
    return (
        f'name = "tiny"\nsettings.index.splitter = "{splitter}"\n{extra}\n'
        f'[[collections]]\npath = "tiny"\n{systems}'
    )


def system(runs: tuple[CollectionRun, ...], number: int = 0) -> SystemRun:
    return runs[0].systems[number]


@pytest.mark.parametrize("splitter", ["none", "sentences"])
async def test_a_system_finds_what_the_query_path_finds(tmp_path: Path, splitter: str) -> None:
    lab = Lab(tmp_path)
    text = described(tmp_path, *PLANS, splitter=splitter)
    runs, definition = await lab.run(text), lab.describe(text)
    for found, asked in zip(runs[0].systems, definition.systems, strict=True):
        settings = settings_of(Settings(), definition, asked)
        there = StoreSettings(path=str(tmp_path / "work" / "store"))
        engine = lab.engine(msgspec.structs.replace(settings, store=there))
        assert found.indexed
        try:
            rerankers = Rerankers(settings, lab.model_opened)
            parts = (await engine.collection(found.indexed.name)).parts
            path = QueryPath(_with(lab, parts, rerankers))
            query = query_of(asked, settings, definition.depth)
            for query_id, question in QUERIES.items():
                expected = await path.search(replace(query, text=question))
                ranking = best_chunks(expected.candidates, definition.depth)
                ids = [one.document_id for one in found.ranked[query_id]]
                assert ids == [one.document_id for one in ranking], (asked.name, query_id, ranking)
                scores = [one.score for one in found.ranked[query_id]]
                assert scores == pytest.approx([one.score for one in ranking]), asked.name
        finally:
            await engine.close()
        assert any(found.ranked.values())


def _with(lab: Lab, parts: Parts, rerankers: Rerankers) -> Parts:
    """Return a query path's parts that ask the scripted model."""
    assert parts.expander
    assert parts.deepener
    return replace(
        parts,
        reranker=rerankers.get() if parts.reranker else None,
        expander=replace(parts.expander, llm=lab.model_opened, cache=ExpansionCache()),
        deepener=replace(parts.deepener, llm=lab.model_opened),
    )


async def test_stages_that_systems_share_are_done_once(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    runs = await lab.run(described(tmp_path, "bm25", "dense", "fused", "likely", "pairs"))
    done = [stage for stage, at, _ in lab.shown if at == len(QUERIES) and "find" in stage]
    assert done == ["tiny, bm25: find bm25", "tiny, dense: find dense"]
    asked = [query for query in lab.encoder.queries if query in QUERIES.values()]
    assert sorted(asked) == sorted(QUERIES.values()), "each query is encoded once"
    stages = [cost.name for cost in system(runs, 4).rows[0].stages]
    assert stages == ["find bm25", "find dense", "fuse", "fetch", "rerank"]
    shared = [system(runs, number).rows[0].stages[0] for number in (0, 2, 4)]
    assert shared[0] == shared[1] == shared[2], "and its time is told of each system"


async def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    text = described(tmp_path, "fused", "rocchio", "likely")
    first = await Lab(tmp_path).run(text)
    lab = Lab(tmp_path)
    assert await lab.run(text) == first, "times are those of when it was done"
    assert lab.shown == []
    assert lab.encoder.queries == lab.encoder.documents == []
    assert lab.model.history == []


async def test_a_further_system_asks_only_what_is_new(tmp_path: Path) -> None:
    await Lab(tmp_path).run(described(tmp_path, "fused"))
    lab = Lab(tmp_path)
    await lab.run(described(tmp_path, "fused", "likely"))
    assert {stage for stage, _, _ in lab.shown} == {"tiny, likely: rerank"}
    assert set(QUERIES.values()).isdisjoint(lab.encoder.queries)


async def test_another_corpus_or_another_setting_is_done_anew(tmp_path: Path) -> None:
    text = described(tmp_path, "dense")
    await Lab(tmp_path).run(text)
    lab = Lab(tmp_path)
    await lab.run(text + "settings.search.depth = 200\n")
    assert {stage for stage, _, _ in lab.shown} == {"tiny, dense: find dense", "tiny, dense: fuse"}
    with (tmp_path / "tiny" / "corpus.jsonl").open("a", encoding="utf-8") as corpus:
        corpus.write('{"_id": "owl", "text": "The owl hunts at night, too."}\n')
    lab = Lab(tmp_path)
    runs = await lab.run(text)
    assert "tiny: encode" in {stage for stage, _, _ in lab.shown}
    assert runs[0].corpus.documents == len(CORPUS) + 1
    assert any(one.document_id == "owl" for one in system(runs).ranked["q2"])


async def test_half_a_line_of_a_killed_run_is_done_again(tmp_path: Path) -> None:
    text = described(tmp_path, "likely")
    first = await Lab(tmp_path).run(text)
    for file in (tmp_path / "work" / "stages").iterdir():
        file.write_bytes(file.read_bytes()[:-9])
    lab = Lab(tmp_path)
    again = await lab.run(text)
    assert system(again).ranked == system(first).ranked
    assert {of for _, of, _ in lab.shown} == {4}, "only the last query of each stage"


async def test_only_one_run_works_in_a_folder(tmp_path: Path) -> None:
    import fcntl

    text = described(tmp_path, "bm25")
    await Lab(tmp_path).run(text)
    with (tmp_path / "work" / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(StoreLocked, match="in use by another run"):
            await Lab(tmp_path).run(text)


class Failing(ScriptedLLM):
    """A model whose server is away for some questions."""

    async def score(self, requests: Sequence[Score]) -> tuple[Scored, ...]:
        """Return scores, unless there is fish."""
        if any("fish" in _text(request) for request in requests):
            raise LLMUnavailable("the server is away")
        return await super().score(requests)


def _text(request: Score) -> str:
    return request.continuation + " ".join(message.content for message in request.prompt)


async def test_a_query_that_is_degraded_is_told_and_tried_again(tmp_path: Path) -> None:
    text = described(tmp_path, "likely")
    lab = Lab(tmp_path, Failing())
    runs = await lab.run(text)
    assert "failed" in {row.stages[-1].status for row in system(runs).rows}
    assert all(system(runs).ranked[query_id] for query_id in ("q1", "q2", "q3"))
    lab = Lab(tmp_path)
    runs = await lab.run(text)
    assert [row.stages[-1].status for row in system(runs).rows] == ["ok"] * len(QUERIES)


async def test_a_query_that_fails_is_told_in_its_row_counts_0_and_is_tried_again(
    tmp_path: Path,
) -> None:
    text = described(tmp_path, "dense", "likely")
    lab = Lab(tmp_path)
    lab.encoder.refuses = "fish"
    runs = await lab.run(text)
    for of in runs[0].systems:
        errors = {row.query_id: row.error for row in of.rows}
        assert errors == {**dict.fromkeys(QUERIES, ""), "q3": "ModelUnavailable: no fish"}
        assert of.ranked["q3"] == ()
    runs = await Lab(tmp_path).run(text)
    assert [row.error for row in system(runs).rows] == [""] * len(QUERIES)
    assert system(runs).ranked["q3"]


FOREIGN = "q1 Q0 dog 1 3.0 x\nq1 Q0 cat 2 2.0 x\nq9 Q0 cat 1 1.0 x\n"


def with_run(folder: Path, run: str) -> str:
    (folder / "tiny.trec.gz").write_bytes(gzip.compress(run.encode()))
    extra = '[[systems]]\nname = "theirs"\nrun = "{collection}.trec.gz"\n'
    return described(folder, "bm25") + extra


async def test_a_foreign_run_is_read_and_what_it_lacks_is_told(tmp_path: Path) -> None:
    found = system(await Lab(tmp_path).run(with_run(tmp_path, FOREIGN)), 1)
    assert {q: [d.document_id for d in of] for q, of in found.ranked.items()} == {
        "q1": ["dog", "cat"]
    }
    assert found.rows == ()
    assert found.notes == (
        "tiny, theirs: 1 queries of the run are not asked",
        "tiny, theirs: 3 queries are missing and count 0",
    )


@pytest.mark.parametrize(
    ("run", "why"),
    [
        ("7 Q0 cat 1 1.0 x\n", "answers no query of 'tiny': its ids are such as '7'"),
        ("q1 Q0 D1 1 1.0 x\n", "finds no document that is judged for 'tiny'"),
        ("q1 Q0 cat 1 nan x\n", "tiny.trec.gz:1: nan is no score"),
        ("q1 Q0 cat 1 2 x\nq1 Q0 cat 2 1 x\n", ":2: q1 ranks cat twice"),
        ("", "holds no ranking"),
    ],
)
async def test_a_run_that_does_not_belong_here_is_refused_before_anything_is_done(
    tmp_path: Path, run: str, why: str
) -> None:
    lab = Lab(tmp_path)
    with pytest.raises(BadCollection) as refused:
        await lab.run(with_run(tmp_path, run))
    assert why in str(refused.value)
    assert lab.shown == []


async def test_who_reranks_and_expands_is_told(tmp_path: Path) -> None:
    runs = await Lab(tmp_path).run(described(tmp_path, "rocchio", "both", "likely"))
    told = [[(one.role, one.family) for one in of.lineage] for of in runs[0].systems]
    assert told == [[], [("expander", "scripted")], [("reranker", "scripted")]]
    asked = [{c.name: c.model for c in of.rows[0].stages if c.calls} for of in runs[0].systems]
    (expander,), (reranker,) = (of.lineage for of in runs[0].systems[1:])
    assert set(asked[1].values()) == {expander.model}
    assert asked[2] == {"rerank": reranker.model}
    assert {c.model for c in runs[0].systems[0].rows[0].stages} == {""}


async def test_a_reranker_is_given_its_documents_in_other_orders(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    runs = await lab.run(described(tmp_path, "alone", "shuffled"))
    alone, other = runs[0].systems
    assert other.ranked == alone.ranked
    for row, plain in zip(other.rows, alone.rows, strict=True):
        usual = [one.document_id for one in other.ranked[row.query_id]]
        assert len(row.shuffled) == 2
        assert all(sorted(order) == sorted(usual) for order in row.shuffled)
        assert row.stages == plain.stages  # what a query costs is without them
    asked = len(lab.model.history)
    assert await lab.run(described(tmp_path, "alone", "shuffled")) == runs
    assert len(lab.model.history) == asked


async def test_before_is_what_the_reranker_was_given(tmp_path: Path) -> None:
    runs = await Lab(tmp_path).run(described(tmp_path, "fused", "alone"))
    fused, alone = runs[0].systems
    for row in alone.rows:
        given = [one.document_id for one in fused.ranked[row.query_id][:3]]
        assert list(row.before) == given
        assert {one.document_id for one in alone.ranked[row.query_id][:3]} == set(given)
