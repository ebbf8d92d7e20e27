"""Clients of other services, unmodified, and the shapes that they send and expect."""

import json
import math
from collections.abc import Iterator

import cohere
import httpx
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.app import create_app
from rag.settings import Settings
from tests.api.served import DOCUMENTS, Serve, engine_of, wait_until_ready
from tests.api.test_errors import refused

QUERY = "How long does the freezer stay cold?"
TEXTS = ["Badges are blue.", "The freezer stays cold for two days.", "Lunch is at noon."]
Json = dict[str, object]


@pytest.fixture
def oai(client: httpx.Client) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key="none", base_url=f"{client.base_url}/v1", max_retries=0) as opened:
        yield opened


def test_openai_asks_and_is_answered_with_citations(oai: openai.OpenAI) -> None:
    reply = oai.chat.completions.create(
        model="firstcite", messages=[{"role": "user", "content": QUERY}], temperature=0
    )
    text = reply.choices[0].message.content
    assert text is not None
    assert "two days" in text
    assert "[1]" in text
    assert reply.choices[0].finish_reason == "stop"
    told = reply.model_dump()
    assert told["citations"] == ["/handbook/freezer.md"]
    assert told["search_results"][0]["title"] == "Freezer"
    assert told["firstcite"]["answerable"] == "yes"


def test_openai_streams_the_same_text(oai: openai.OpenAI) -> None:
    asked: Json = {"model": "firstcite", "messages": [{"role": "user", "content": QUERY}]}
    whole = oai.chat.completions.create(**asked)  # type: ignore[call-overload]
    stream = oai.chat.completions.create(
        **asked,
        stream=True,
        stream_options={"include_usage": True},  # type: ignore[call-overload]
    )
    chunks = list(stream)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage.total_tokens == whole.usage.total_tokens
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-2].model_dump()["citations"] == whole.model_dump()["citations"]


def test_what_cannot_be_answered_says_why(oai: openai.OpenAI) -> None:
    asked: Json = {
        "model": "firstcite/handbook",
        "messages": [{"role": "user", "content": "zyzzyva quokka"}],
    }
    whole = oai.chat.completions.create(**asked)  # type: ignore[call-overload]
    assert whole.choices[0].message.content
    assert whole.model_dump()["firstcite"]["abstained"] is True
    assert (whole.model_dump()["citations"], whole.model_dump()["search_results"]) == ([], [])
    chunks = list(oai.chat.completions.create(**asked, stream=True))  # type: ignore[call-overload]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content


@pytest.mark.parametrize(
    ("field", "value"),
    [("n", 2), ("tools", [{"type": "function"}]), ("logprobs", True), ("unheard_of", 1)],
)
def test_what_is_not_supported_is_refused_by_name(
    oai: openai.OpenAI, field: str, value: object
) -> None:
    with pytest.raises(openai.BadRequestError, match=field):
        oai.chat.completions.create(
            model="firstcite",
            messages=[{"role": "user", "content": QUERY}],
            extra_body={field: value},
        )


def test_an_unknown_model_or_collection_is_not_found(oai: openai.OpenAI) -> None:
    for model in ("gpt-4o", "firstcite/nowhere"):
        with pytest.raises(openai.NotFoundError):
            oai.chat.completions.create(model=model, messages=[{"role": "user", "content": QUERY}])


def test_openai_embeds(oai: openai.OpenAI) -> None:
    packed = oai.embeddings.create(model="any", input=TEXTS)  # base64 on the wire
    plain = oai.embeddings.create(model="any", input=TEXTS[0], encoding_format="float")
    assert [one.index for one in packed.data] == [0, 1, 2]
    assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding)
    assert math.hypot(*plain.data[0].embedding) == pytest.approx(1)
    assert plain.usage.prompt_tokens == 3
    with pytest.raises(openai.BadRequestError, match="dimensions"):
        oai.embeddings.create(model="any", input=TEXTS, dimensions=7)
    with pytest.raises(openai.BadRequestError):
        oai.embeddings.create(model="any", input=[])


def test_openai_lists_models(oai: openai.OpenAI) -> None:
    uses = {model.id: model.model_dump()["use"] for model in oai.models.list()}
    assert (uses["firstcite"], uses["hashed"], uses["dense"]) == ("chat", "embeddings", "rerank")


def test_haystack_generates(client: httpx.Client) -> None:
    from haystack.components.generators.chat import OpenAIChatGenerator
    from haystack.dataclasses import ChatMessage
    from haystack.utils import Secret

    generator = OpenAIChatGenerator(
        api_key=Secret.from_token("none"), model="firstcite", api_base_url=f"{client.base_url}/v1"
    )
    (reply,) = generator.run([ChatMessage.from_user(QUERY)])["replies"]
    assert "two days" in str(reply.text)
    pieces: list[str] = []
    generator.run(
        [ChatMessage.from_system("Be brief."), ChatMessage.from_user(QUERY)],
        streaming_callback=lambda chunk: pieces.append(chunk.content),
    )
    assert "".join(pieces) == reply.text


@pytest.mark.parametrize("kind", [cohere.Client, cohere.ClientV2])
def test_cohere_reranks(client: httpx.Client, kind: type[cohere.Client]) -> None:
    with httpx.Client() as own:
        asking = kind(api_key="none", base_url=str(client.base_url), httpx_client=own)
        reply = asking.rerank(model="rerank-v3.5", query=QUERY, documents=TEXTS, top_n=2)
    assert reply.results[0].index == 1
    assert len(reply.results) == 2
    assert reply.meta is not None
    assert reply.meta.api_version is not None


def test_jina_s_shape(client: httpx.Client) -> None:
    body = {
        "model": "jina-reranker-v2-base-multilingual",
        "query": QUERY,
        "documents": [{"text": text} for text in TEXTS],
        "top_n": 1,
        "return_documents": True,
        "truncation": True,
    }
    told = client.post("/v1/rerank", json=body).json()
    (best,) = told["results"]
    assert best["index"] == 1
    assert best["document"] == {"text": TEXTS[1]}
    assert set(told["usage"]) >= {"total_tokens"}
    assert told["object"] == "list"
    assert told["meta"]["warnings"] == [
        "'truncation' is passed over",
        "'jina-reranker-v2-base-multilingual' is no method of this server: its own was taken",
    ]
    plain = client.post("/rerank", json={"query": QUERY, "documents": TEXTS}).json()
    assert "document" not in plain["results"][0]
    assert plain["results"][0]["index"] == 1


def test_tei_s_shape(client: httpx.Client) -> None:
    body = {"query": QUERY, "texts": TEXTS, "truncate": True, "raw_scores": False}
    told = client.post("/rerank", json=body).json()
    assert sorted(row["index"] for row in told) == [0, 1, 2]
    assert told[0]["index"] == 1
    assert all(set(row) == {"index", "score"} for row in told)
    told = client.post("/rerank", json={**body, "return_text": True}).json()
    assert told[0]["text"] == TEXTS[1]


@pytest.mark.parametrize(
    "body",
    [
        {"query": QUERY, "documents": []},
        {"query": "", "documents": TEXTS},
        {"query": QUERY, "documents": TEXTS, "top_n": 0},
        {"query": QUERY},
        {"query": QUERY, "documents": ["x"] * 1_001},
        {"query": QUERY, "documents": [1]},
    ],
)
@pytest.mark.parametrize("route", ["/v1/rerank", "/v2/rerank", "/rerank"])
def test_what_is_no_rerank_request_is_refused(client: httpx.Client, body: Json, route: str) -> None:
    refused(client.post(route, json=body), 400)


@given(
    st.text(min_size=1, max_size=40).filter(str.strip),
    st.lists(st.text(max_size=40), min_size=1, max_size=12),
)
@settings(max_examples=60, deadline=None)
def test_every_document_comes_once_and_scores_fall(
    client: httpx.Client, query: str, documents: list[str]
) -> None:
    try:
        json.dumps([query, documents], ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    reply = client.post("/v1/rerank", json={"query": query, "documents": documents})
    assert reply.status_code == 200, reply.text
    results = reply.json()["results"]
    assert sorted(row["index"] for row in results) == list(range(len(documents)))
    scores = [row["relevance_score"] for row in results]
    assert all(0 <= score <= 1 for score in scores)
    assert scores == sorted(scores, reverse=True)


def test_a_method_that_fails_says_so_and_loses_nothing(filled: Settings, serve: Serve) -> None:
    client = serve(create_app(filled, lambda: engine_of(filled)))
    wait_until_ready(client)
    body = {"model": "cross-encoder", "query": QUERY, "documents": TEXTS}
    told = client.post("/v1/rerank", json=body).json()
    assert sorted(row["index"] for row in told["results"]) == [0, 1, 2]
    assert "rerank.model is empty" in told["meta"]["warnings"][0]


def test_late_interaction_reranks(client: httpx.Client) -> None:
    body = {"model": "late-interaction", "query": QUERY, "documents": TEXTS}
    told = client.post("/v1/rerank", json=body).json()
    assert (told["results"][0]["index"], told["model"]) == (1, "late-interaction")


def test_the_handbook_is_what_these_tests_ask() -> None:
    assert "two days" in DOCUMENTS[0].text


def test_a_number_for_a_boolean_means_the_same_to_every_face(client: httpx.Client) -> None:
    asked = {"query": "cold", "texts": ["ice", "fire"], "return_text": 1, "raw_scores": 0}
    reply = client.post("/rerank", json=asked)
    assert reply.status_code == 200
    assert {row["text"] for row in reply.json()} == {"ice", "fire"}
