"""What a collector is told of requests: a real one, over real HTTP."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.keys import Keyring
from rag.settings import Settings
from tests.api.collected import Collector, Span, asking, nested, traced
from tests.api.upstreamed import Canned, running, says
from tests.rag.llms.upstream import Upstream

QUERY = {"query": "How long does the sample freezer stay cold?"}
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def agree(trace: list[dict[str, Any]], stages: list[Span]) -> None:
    """What a reply says of its stages is what their spans say."""
    measured = [stage for stage in trace if stage["ms"]]
    assert [span.name for span in stages] == [stage["name"] for stage in measured]
    for span, stage in zip(stages, measured, strict=True):
        assert span.said["firstcite.stage.status"] == stage["status"]
        assert span.ms == pytest.approx(stage["ms"], abs=1e-3)
        assert span.failed == (stage["status"] == "failed")


def test_a_search_is_a_span_with_its_stages_below(filled: Settings, collector: Collector) -> None:
    with traced(filled, collector.url) as client:
        reply = client.post("/v1/search", json=QUERY, headers={"x-request-id": "mine"})
    (root,) = collector.spans[-1:]
    assert root == collector.sole("POST /v1/search")
    assert (root.kind, root.parent, root.failed) == ("server", "", False)
    assert root.said == {
        "http.request.method": "POST",
        "http.route": "/v1/search",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "firstcite.request.id": "mine",
        "firstcite.collection": "handbook",
    }
    stages = collector.below(root)
    assert [span.name for span in stages] == ["plan", "find", "fuse", "fetch"]
    agree(reply.json()["trace"], stages)
    nested(collector)
    assert {span.trace for span in collector.spans} == {root.trace}
    (resource,) = {resource["service.name"] for resource in collector.resources}
    assert resource == "firstcite"


def test_who_asks_whether_it_is_ready_is_not_told(filled: Settings, collector: Collector) -> None:
    with traced(filled, collector.url) as client:
        client.get("/health")
        client.get("/v1/documents/absent.md")
    (span,) = collector.spans
    assert span.name == "GET /v1/documents/{document_id}"
    assert span.said["http.response.status_code"] == 404
    assert not span.failed  # the client's fault is no failure of the server


def test_a_trace_of_the_caller_goes_on(filled: Settings, collector: Collector) -> None:
    _, trace, parent, _ = PARENT.split("-")
    with traced(filled, collector.url) as client:
        client.post("/v1/search", json=QUERY, headers={"traceparent": PARENT})
        client.post("/v1/search", json=QUERY, headers={"traceparent": "00-none-of-them-01"})
        unsampled = PARENT.removesuffix("1") + "0"
        client.post("/v1/search", json=QUERY, headers={"traceparent": unsampled})
    one, other = collector.named("POST /v1/search")
    assert (one.trace, one.parent) == (trace, parent)
    assert {span.trace for span in collector.below(one)} == {trace}
    assert other.parent == ""
    assert other.trace != trace


def test_calls_of_a_model_stand_below_their_stages(filled: Settings, collector: Collector) -> None:
    upstream = Canned(step=says("It stays cold for two days [1]."))
    with running(upstream), traced(asking(filled, upstream), collector.url) as client:
        told = {"generator": "inline", "samples": 2}
        reply = client.post("/v1/answer", json={**QUERY, **told})
    assert reply.status_code == 200
    root = collector.sole("POST /v1/answer")
    agree(reply.json()["trace"], collector.below(root)[-len(reply.json()["trace"]) :])
    (generate,) = (span for span in collector.below(root) if span.name == "generate")
    (call,) = collector.below(generate)
    assert (call.name, call.kind) == ("chat Qwen/Qwen2.5-test", "client")
    assert call.said == {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "Qwen/Qwen2.5-test",
        "gen_ai.usage.input_tokens": 18,
        "gen_ai.usage.output_tokens": 14,
        "firstcite.llm.asked": "complete",
        "firstcite.llm.calls": 2,
        "firstcite.llm.cached": 0,
    }
    assert generate.said["firstcite.llm.calls"] == 2
    assert generate.said["firstcite.llm.tokens_read"] == 18
    requests = collector.below(call)
    assert [span.name for span in requests] == ["POST /v1/chat/completions"] * 2
    for span in requests:
        assert span.kind == "client"
        assert span.said["http.response.status_code"] == 200
        assert span.said["server.address"] == "127.0.0.1"
    assert all(collector.carried(span, upstream) for span in requests)
    nested(collector)


def test_searches_of_an_expansion_stand_below_it(filled: Settings, collector: Collector) -> None:
    with traced(filled, collector.url) as client:
        asked = {**QUERY, "expand": ["rm3", "dense-average"]}
        reply = client.post("/v1/search", json=asked)
    root = collector.sole("POST /v1/search")
    names = collector.names_below(root)
    assert sorted(names) == sorted(stage["name"] for stage in reply.json()["trace"])
    assert {"expand rm3", "expand dense-average"} < set(names)
    (search, *_) = collector.named("search")
    assert search.parent in {span.id for span in collector.below(root)}
    nested(collector)


def test_a_stream_is_a_span_until_its_last_event(filled: Settings, collector: Collector) -> None:
    upstream = Upstream()
    with running(upstream), traced(asking(filled, upstream), collector.url) as client:
        asked = {**QUERY, "stream": True, "generator": "inline", "samples": 1}
        reply = client.post("/v1/answer", json=asked)
    assert b"event: final" in reply.content
    (final,) = re.findall(rb"event: final\ndata: (.*)", reply.content)
    root = collector.sole("POST /v1/answer")
    stages = collector.below(root)
    trace = json.loads(final)["trace"]
    agree(trace, [span for span in stages if "firstcite.stage.status" in span.said])
    (generate,) = (span for span in stages if span.name == "generate")
    (call,) = collector.below(generate)
    assert call.said["firstcite.llm.asked"] == "stream"
    assert call.said["gen_ai.usage.output_tokens"] > 0
    (request,) = collector.below(call)
    assert collector.carried(request, upstream)
    nested(collector)


def test_requests_side_by_side_do_not_mix(filled: Settings, collector: Collector) -> None:
    def ask(client: httpx.Client, number: int) -> tuple[str, list[dict[str, Any]]]:
        asked = {**QUERY, "generator": "inline", "samples": 1, "stream": number % 2 == 0}
        reply = client.post("/v1/answer", json=asked, headers={"x-request-id": f"r{number}"})
        if number % 2:
            return f"r{number}", reply.json()["trace"]
        (final,) = re.findall(rb"event: final\ndata: (.*)", reply.content)
        return f"r{number}", json.loads(final)["trace"]

    upstream = Upstream(pause_s=0.05)
    with (
        running(upstream),
        traced(asking(filled, upstream), collector.url) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        told = dict(pool.map(lambda number: ask(client, number), range(16)))
    roots = {span.said["firstcite.request.id"]: span for span in collector.spans if not span.parent}
    assert set(roots) == set(told)
    assert len({root.trace for root in roots.values()}) == 16
    for name, trace in told.items():
        stages = [s for s in collector.below(roots[name]) if "firstcite.stage.status" in s.said]
        agree(trace, stages)
        (generate,) = (span for span in stages if span.name == "generate")
        assert len(collector.below(generate)) == 1
    nested(collector)


def test_nothing_that_somebody_wrote_is_told(empty: Settings, collector: Collector) -> None:
    written = {
        "query": "zanzibarquery",
        "text": "zanzibartext",
        "id": "zanzibarid",
        "tenant": "zanzibartenant",
        "source": "zanzibarsource",
        "filter": "zanzibarfilter",
        "reply": "zanzibarreply",
        "path": "zanzibarpath",
        "agent": "zanzibaragent",
    }
    key, _ = Keyring(Path(empty.server.keys)).add("zanzibarname", "admin", "*")
    document = {"id": written["id"], "text": f"{written['text']} {written['query']} is two days."}
    asked = {
        "query": f"What is {written['query']}?",
        "tenant": written["tenant"],
        "filter": {"metadata.kind": written["filter"]},
        "history": [{"role": "user", "content": "zanzibarhistory"}],
        "expand": ["rm3", "query2doc"],
        "standalone": True,
        "explain": True,
    }
    upstream = Canned(step=says(f"{written['reply']} two days [1]."))
    with running(upstream), traced(asking(empty, upstream), collector.url) as client:
        client.headers.update({"authorization": f"Bearer {key}", "user-agent": written["agent"]})
        into = {"tenant": written["tenant"], "collection": "handbook"}
        told = {**document, "source": written["source"], "metadata": {"kind": "zanzibarfilter"}}
        assert client.post("/v1/documents", params=into, json=[told]).status_code == 200
        assert client.post("/v1/search", json=asked).json()["results"]
        del asked["explain"]
        ways: tuple[dict[str, object], ...] = (
            {},
            {"generator": "inline"},
            {"stream": True},
            {"generator": "quote-first"},
        )
        for more in ways:
            assert client.post("/v1/answer", json={**asked, **more}).status_code == 200
        for path in ("/v1/documents/zanzibarid", "/v1/documents/zanzibarabsent", "/zanzibarpath"):
            client.get(path, params={"tenant": written["tenant"]})
        client.post("/v1/search", json={"query": "zanzibarquery", "branches": ["zanzibarbad"]})
        client.post("/v1/search", json={**QUERY, "collection": "zanzibarcollection"})
        client.post("/v1/search", json=QUERY, headers={"authorization": "Bearer zanzibarkey"})
        rerank = {"query": "zanzibarquery", "documents": ["zanzibardocument"]}
        assert client.post("/v1/rerank", json=rerank).status_code == 200
    assert len(collector.spans) > 30
    everything = b"".join(collector.raw)
    assert b"zanzibar" not in everything
    assert key.encode() not in everything
    assert key.split("_", 2)[2].encode() not in everything


def test_an_upload_is_a_trace_of_its_own_that_knows_its_request(
    empty: Settings, collector: Collector
) -> None:
    with traced(empty, collector.url) as client:
        document = {"id": "a", "text": "The freezer stays cold."}
        reply = client.post("/v1/documents", json=[document])
    job = json.loads(reply.text.splitlines()[-1])
    request, span = collector.sole("POST /v1/documents"), collector.sole("job documents")
    assert span.trace != request.trace
    assert span.links == (request.id,)
    assert span.said == {
        "firstcite.job.id": job["job_id"],
        "firstcite.job.state": "done",
        "firstcite.collection": "handbook",
    }
    assert not collector.below(span)
