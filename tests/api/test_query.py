"""`POST /v1/search` and `POST /v1/answer`: what comes back, and for whom."""

import asyncio

import httpx
import pytest

from tests.api.served import DOCUMENTS

FREEZER, BADGE, DIARY, *_ = DOCUMENTS
QUESTION = "How long does the sample freezer stay cold without power?"


def search(client: httpx.Client, **body: object) -> list[str]:
    """Return the document ids of a search, best first."""
    reply = client.post("/v1/search", json=body)
    assert reply.status_code == 200, reply.text
    return [result["document_id"] for result in reply.json()["results"]]


def test_search_returns_chunks_best_first_with_their_place_and_ranks(client: httpx.Client) -> None:
    reply = client.post("/v1/search", json={"query": "sample freezer power"}).json()
    assert [result["document_id"] for result in reply["results"]] == ["freezer.md", "badge.md"]
    first, second = reply["results"]
    assert first["score"] > second["score"]
    assert first["ranks"] == {"bm25": 1, "dense": 1}
    assert second["ranks"] == {"dense": 2}, "BM25 finds no common word"
    start, end = first["span"]["start"], first["span"]["end"]
    assert first["text"] == FREEZER.text[start:end]
    assert first["title"] == "Freezer"
    assert first["source"] == "/handbook/freezer.md"
    assert first["metadata"] == {"kind": "manual", "year": 2020, "tags": ["cold", "lab"]}


def test_the_trace_names_every_stage_of_a_search(client: httpx.Client) -> None:
    trace = client.post("/v1/search", json={"query": "badge"}).json()["trace"]
    assert [stage["name"] for stage in trace] == ["plan", "find", "fuse", "fetch"]
    assert {stage["status"] for stage in trace} == {"ok"}
    assert all(stage["ms"] >= 0 for stage in trace)


def test_k_limits_the_results(client: httpx.Client) -> None:
    assert len(search(client, query="freezer badge", k=1)) == 1
    assert len(search(client, query="freezer badge", k=2)) == 2


def test_one_branch_alone_ranks_by_its_own_scores(client: httpx.Client) -> None:
    reply = client.post("/v1/search", json={"query": "lost badge", "branches": ["bm25"]}).json()
    assert [result["ranks"] for result in reply["results"]] == [{"bm25": 1}]


@pytest.mark.parametrize("fusion", ["rrf", "dbsf", "convex"])
def test_every_fusion_can_be_asked_for(client: httpx.Client, fusion: str) -> None:
    reply = client.post("/v1/search", json={"query": "lost badge", "fusion": fusion}).json()
    assert reply["results"][0]["document_id"] == "badge.md"
    assert fusion in reply["trace"][2]["detail"]


def test_a_collection_can_be_named_or_left_to_the_server(client: httpx.Client) -> None:
    named = search(client, query="badge", collection="handbook")
    assert named == search(client, query="badge")


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({"document_id": "badge.md"}, {"badge.md"}),
        ({"source": "/handbook/freezer.md"}, {"freezer.md"}),
        ({"metadata.kind": "policy"}, {"badge.md"}),
        ({"metadata.kind": {"in": ["policy", "manual"]}}, {"freezer.md", "badge.md"}),
        ({"metadata.year": {"gte": 2020, "lt": 2024}}, {"freezer.md"}),
        ({"metadata.year": {"gt": 2024}}, set()),
        ({"metadata.tags": "lab"}, {"freezer.md"}),
        ({"metadata.kind": "manual", "metadata.year": 2024}, set()),
        ({"metadata.nothing": "x"}, set()),
        ({}, {"freezer.md", "badge.md"}),
        (None, {"freezer.md", "badge.md"}),
    ],
)
def test_only_chunks_that_satisfy_every_condition_are_found(
    client: httpx.Client, condition: object, found: set[str]
) -> None:
    assert set(search(client, query="freezer badge", filter=condition)) == found


def test_an_answer_quotes_the_document_verbatim_at_the_cited_span(client: httpx.Client) -> None:
    reply = client.post("/v1/answer", json={"query": QUESTION}).json()
    sentence = reply["sentences"][0]
    citation = sentence["citations"][0]
    assert reply["abstained"] is False
    assert reply["reason"] == ""
    assert sentence["text"] == "The sample freezer stays cold for two days without power."
    assert reply["answer"][sentence["span"]["start"] : sentence["span"]["end"]] == sentence["text"]
    assert citation["document_id"] == "freezer.md"
    span = citation["span"]
    assert citation["quote"] == FREEZER.text[span["start"] : span["end"]]
    assert reply["references"][0] == {
        "ref": citation["ref"],
        "document_id": "freezer.md",
        "title": "Freezer",
        "source": "/handbook/freezer.md",
    }
    assert [stage["name"] for stage in reply["trace"]][-2:] == ["pack", "generate"]


def test_every_citation_has_its_reference(client: httpx.Client) -> None:
    reply = client.post("/v1/answer", json={"query": "freezer badge door desk"}).json()
    cited = {c["ref"] for sentence in reply["sentences"] for c in sentence["citations"]}
    assert cited == {reference["ref"] for reference in reply["references"]}


def test_a_question_that_nothing_answers_is_an_abstention_with_its_reason(
    client: httpx.Client,
) -> None:
    reply = client.post("/v1/answer", json={"query": "zyzzyva quokka"}).json()
    assert reply["abstained"] is True
    assert reply["answer"] == ""
    assert reply["sentences"] == []
    assert reply["references"] == []
    assert "floor" in reply["reason"]


def test_a_tenant_finds_its_own_documents_only(client: httpx.Client) -> None:
    assert search(client, query="sample freezer") == ["freezer.md", "badge.md"]
    assert search(client, query="sample freezer", tenant="mallory") == ["diary.md"]
    assert search(client, query="sample freezer", tenant="nobody") == []


@pytest.mark.parametrize(
    "condition",
    [
        {"document_id": "diary.md"},
        {"document_id": {"in": ["diary.md", "freezer.md"]}},
        {"source": "/mallory/diary.md"},
    ],
)
def test_no_filter_reaches_into_another_tenant(client: httpx.Client, condition: object) -> None:
    assert "diary.md" not in search(client, query="secret ice cream", filter=condition)


@pytest.mark.parametrize("branch", ["bm25", "dense"])
def test_tenants_are_apart_on_every_branch(client: httpx.Client, branch: str) -> None:
    found = search(client, query="secret ice cream freezer", branches=[branch])
    assert "diary.md" not in found


def test_answers_quote_the_own_tenant_only(client: httpx.Client) -> None:
    question = "What is the sample freezer of Mallory full of?"
    ours = client.post("/v1/answer", json={"query": question}).json()
    theirs = client.post("/v1/answer", json={"query": question, "tenant": "mallory"}).json()
    assert "ice cream" not in ours["answer"]
    assert {r["document_id"] for r in theirs["references"]} == {"diary.md"}


@pytest.mark.parametrize(
    ("principals", "found"),
    [
        (None, {"party.md", "lab.md"}),
        (["ada"], {"party.md", "lab.md"}),
        (["eve", "bob"], {"party.md", "lab.md"}),
        (["boss"], {"lab.md"}),
        ([], {"lab.md"}),
    ],
)
def test_who_asks_sees_what_is_open_and_what_names_them(
    client: httpx.Client, principals: list[str] | None, found: set[str]
) -> None:
    body = {"query": "surprise party in the lab", "tenant": "lab", "principals": principals}
    assert set(search(client, **body)) == found
    answer = client.post("/v1/answer", json=body).json()
    assert ("surprise" in answer["answer"]) is ("party.md" in found)


def test_principals_do_not_open_another_tenant(client: httpx.Client) -> None:
    assert "party.md" not in search(client, query="surprise party", principals=["ada"])


def test_an_answer_obeys_the_filter(client: httpx.Client) -> None:
    body = {"query": "freezer badge door desk", "filter": {"metadata.kind": "policy"}}
    reply = client.post("/v1/answer", json=body).json()
    assert {r["document_id"] for r in reply["references"]} == {"badge.md"}


@pytest.mark.anyio
async def test_twenty_requests_at_once_get_what_each_gets_alone(client: httpx.Client) -> None:
    words = " ".join(document.text for document in DOCUMENTS).split()
    bodies = [{"query": " ".join(words[i : i + 3]), "k": 1 + i % 2} for i in range(20)]
    async with httpx.AsyncClient(base_url=client.base_url, timeout=10) as many:
        alone = [(await many.post("/v1/search", json=body)).json()["results"] for body in bodies]
        replies = await asyncio.gather(*(many.post("/v1/search", json=body) for body in bodies))
    assert [reply.json()["results"] for reply in replies] == alone


def test_the_same_question_gives_the_same_answer(client: httpx.Client) -> None:
    replies = [client.post("/v1/answer", json={"query": QUESTION}).json() for _ in range(2)]
    assert [(r["answer"], r["sentences"], r["references"]) for r in replies[:1]] == [
        (r["answer"], r["sentences"], r["references"]) for r in replies[1:]
    ]


def test_a_search_explains_itself(client: httpx.Client) -> None:
    asked = {"query": "freezer cold", "explain": True}
    body = client.post("/v1/search", json=asked).json()
    why = body["explanation"]
    assert why["query"] == "freezer cold"
    assert {branch["name"] for branch in why["branches"]} == {"dense", "bm25"}
    assert [one["chunk_id"] for one in why["results"]] == [r["chunk_id"] for r in body["results"]]
    for result, one in zip(body["results"], why["results"], strict=True):
        ranks = {name: place["rank"] for name, place in one["branches"].items()}
        assert ranks == result["ranks"]
        assert one["fused"]["score"] == result["score"]
    assert [one["fused"]["rank"] for one in why["results"]] == [1, 2]
    plain = client.post("/v1/search", json={"query": "freezer cold"}).json()
    assert "explanation" not in plain
    assert plain["results"] == body["results"]
