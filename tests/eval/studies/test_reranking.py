"""A run is reranked whole, in its order, with a trace of every candidate."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from eval.data.runs import ScoredDocument
from eval.studies.rerank_quality import _figures
from eval.studies.rerank_tasks import Task, asked_for, shown
from eval.studies.reranking import RerankedQuery, read_texts, rerank_run
from rag.errors import BadCollection, BadInput
from rag.values import Cost
from rerankers.ordering import Ordering
from rerankers.reranker import Guarded, Outcome, Scoring
from tests.eval.tiny import QRELS, QUERIES, write_beir

RUN = {
    "q2": [ScoredDocument(d, 9.0 - i) for i, d in enumerate(("cat", "dog", "fox", "fish"))],
    "q1": [ScoredDocument("dog", 2.0)],
}


class Lengths:
    """A scorer that likes long passages."""

    async def score(self, query: str, passages: Sequence[str]) -> list[float]:
        del query
        return [float(len(passage)) for passage in passages]


def test_the_head_is_reranked_and_the_rest_follows(tmp_path: Path) -> None:
    texts = read_texts(write_beir(tmp_path / "beir"), RUN)
    reranker = Guarded(Scoring("lengths", Lengths()), None)

    async def ask() -> list[RerankedQuery]:
        return [one async for one in rerank_run(RUN, QUERIES, texts, reranker, 3, jobs=2)]

    first, second = asyncio.run(ask())
    assert (first.query_id, second.query_id) == ("q2", "q1")
    assert [d.document_id for d in first.ranking] == ["fox", "cat", "dog", "fish"]
    scores = [d.score for d in first.ranking]
    assert scores == sorted(scores, reverse=True)
    trace = first.trace()
    assert (trace["status"], trace["calls"], len(trace["candidates"])) == ("ok", 3, 3)
    assert trace["candidates"][0] == {
        "document_id": "fox",
        "score": scores[0],
        "first": 3,
        "rerank": 1,
        "flags": [],
    }


def test_a_corpus_without_the_runs_documents_is_refused(tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "beir")
    with pytest.raises(BadCollection, match=r"lacks 1 documents of the run, e\.g\. 'unicorn'"):
        read_texts(folder, {"q1": [ScoredDocument("unicorn", 1.0)]})


def test_figures_tell_the_methods_order_from_the_guarded_one_and_from_chance() -> None:
    run = {"q2": RUN["q2"]}
    outcome = Outcome(Ordering((2, 0, 1, 3)), Cost(calls=1))
    found = _figures(run, Task("first", depth=4), {"q2": outcome}, QRELS)
    assert found["alone"] == 1.0
    assert found["first"] == pytest.approx(0.5)
    assert 0.43 < found["random"] < 0.9
    assert found["failed"] == 0


def test_what_is_shown_shuffled_is_the_head_alone_and_the_same_each_time() -> None:
    documents = [ScoredDocument(str(i), 9.0 - i) for i in range(8)]
    task = Task("first", "head", 6, shuffled=True)
    found = shown("q1", documents, task)
    assert sorted(d.document_id for d in found[:6]) == [str(i) for i in range(6)]
    assert [d.document_id for d in found[6:]] == ["6", "7"]
    assert found == shown("q1", documents, task)
    assert found[:6] != shown("q2", documents, task)[:6]
    assert shown("q1", documents, Task("first", "head", 6)) == documents


def test_tasks_are_read_from_the_command_line() -> None:
    stages = asked_for(["scifact first head @10 shuffled", "scifact yes-no @20"])
    assert [(s.collection, [t.name for t in s.tasks]) for s in stages] == [
        ("scifact", ["first head @10 shuffled", "yes-no @20"])
    ]
    for text in ("first @10", "nowhere first @10", "scifact first"):
        with pytest.raises(BadInput, match="is no task"):
            asked_for([text])
