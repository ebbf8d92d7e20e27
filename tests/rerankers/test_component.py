"""A reranker in a Haystack pipeline of one's own."""

from collections.abc import Sequence

from haystack import Document, Pipeline

from rerankers.component import DocumentReranker
from rerankers.guard import Guard
from rerankers.reranker import Guarded, Scoring


class Numbers:
    """A scorer that reads the number in a passage."""

    async def score(self, query: str, passages: Sequence[str]) -> list[float]:
        del query
        return [float(passage or 0) for passage in passages]


def component(top_k: int = 10) -> DocumentReranker:
    return DocumentReranker(Guarded(Scoring("numbers", Numbers()), None), top_k)


def test_documents_come_back_in_the_new_order_with_their_scores() -> None:
    documents = [Document(content=text, meta={"n": text}) for text in ("1", "3", "2")]
    pipeline = Pipeline()
    pipeline.add_component("rerank", component())
    found = pipeline.run({"rerank": {"query": "q", "documents": documents}})["rerank"]
    assert [document.meta["n"] for document in found["documents"]] == ["3", "2", "1"]
    assert [document.score for document in found["documents"]] == [3.0, 2.0, 1.0]
    assert found["status"] == "ok"
    assert [document.score for document in documents] == [None] * 3


def test_documents_with_one_id_or_no_text_are_all_there() -> None:
    documents = [Document(id="x", content="1"), Document(id="x", content="2"), Document(id="y")]
    found = component().run("q", documents)["documents"]
    assert isinstance(found, list)
    assert [document.content for document in found] == ["2", "1", None]
    assert len(component(top_k=1).run("q", documents)["documents"]) == 1
    assert component().run("q", documents, top_k=0)["documents"] == []
    assert component().run("q", [])["documents"] == []


def test_the_guard_reads_the_scores_of_the_documents() -> None:
    guarded = DocumentReranker(Guarded(Scoring("numbers", Numbers()), Guard("convex", 0.4)))
    documents = [Document(content="1", score=9.0), Document(content="2", score=1.0)]
    found = guarded.run("q", documents)["documents"]
    assert isinstance(found, list)
    assert [document.content for document in found] == ["1", "2"]
