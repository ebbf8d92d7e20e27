"""The Haystack graph gives what the functions give when they are called by hand."""

import asyncio
import inspect
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import pytest
from haystack import Pipeline
from haystack.core.component import Component

import rag.components
from indexers.encoders.bm25 import Bm25Encoder
from indexers.encoders.hashed import HashedEncoder
from indexers.stores.exact import ExactStore
from rag.abstain import Floor
from rag.answering.answering import quoting
from rag.components import write
from rag.deepen import Deepener, deepen
from rag.errors import LLMUnavailable, StoreUnavailable
from rag.expand.alone import stand_alone
from rag.expand.asked import Asked
from rag.expand.expand import Expander, ExpansionCache, Method, expand
from rag.filters import parse_where
from rag.find import fetch, find
from rag.flows import Encode, Encoded, Flow
from rag.fuse import FUSIONS, fuse
from rag.iterate.gathered import Gathered, Stop, Trail, gathering
from rag.llms.scripted import ScriptedLLM
from rag.packing import Packing, pack
from rag.parts import Parts
from rag.pipeline import QueryPath, answer_graph, search_graph
from rag.plan import Defaults, make_plan
from rag.quoting.choosing import Limits
from rag.rerank import cut, rerank
from rag.route.methods import Method as Routing
from rag.route.methods import routers
from rag.route.route import Routers, route
from rag.route.routes import Route, Routed
from rag.seams import LLM, CollectionSpec, Reranker
from rag.values import (
    Answer,
    Branch,
    Chunk,
    Fused,
    Handling,
    Part,
    Point,
    Query,
    Results,
    Search,
    Searched,
)
from rag.widen import Widening, widen
from rerankers.reranker import Guarded, Scoring
from tests.rag.route.test_claims import QUESTION as CLAIMED
from tests.rag.route.test_claims import model

TEXTS = [
    "The sample freezer holds its cold for 36 hours without power. Call the caretaker.",
    "Dogs may come along on every trip. Cats may not.",
    "The freezer hums. It holds 200 boxes of samples.",
    "Power cuts are announced a week ahead. The freezer has a battery.",
    "The trip to the lake costs 12 euros. Dogs travel for free.",
    "Whoever opens the sample freezer writes the time into the log.",
]
QUERIES = [
    Query("How long does the freezer hold without power?"),
    Query("May dogs come along on the trip?", k=2),
    Query("freezer", k=1, branches=("bm25",)),
    Query("freezer freezer power", branches=("dense",), handling=Handling(rerank_depth=1)),
    Query("who writes the log", fusion="rrf"),
    Query("battery", fusion="convex", branches=("dense", "bm25")),
    Query("dogs", where=parse_where({"metadata.number": {"gte": 2}})),
    Query("dogs", where=parse_where({"document_id": {"in": ["doc-1", "doc-4"]}}), k=1_000),
    Query("freezer", tenant="nobody"),
    Query("quantum chromodynamics"),
]

Traced = TypeVar("Traced", Results, Answer)


class Longest:
    """Scores passages by their length."""

    name = "longest"

    async def score(self, query: str, passages: Sequence[str]) -> list[float]:
        del query
        return [float(len(passage)) for passage in passages]


def echoes(asked: Asked) -> Flow[tuple[Branch, ...]]:
    """Look with the best text found, as well."""
    (found,) = yield [Search(asked.text, 1, ("bm25",))]
    assert isinstance(found, Searched)
    return tuple(
        Branch("bm25+echo", c.chunk.text, asked.depth, (Part(asked.text), Part(c.chunk.text, 0.3)))
        for c in found.candidates
    )


async def no_llm() -> LLM:
    raise LLMUnavailable("there is none")


async def corpus() -> tuple[str, float]:
    return "six texts", 10.0


def expander() -> Expander:
    methods = {"echo": Method(echoes, asks=False), "asking": Method(echoes)}
    return Expander(methods, no_llm, Bm25Encoder(), corpus, ExpansionCache())


def twice(question: str) -> Flow[Gathered]:
    """Look for the question, and for its last word."""
    return gathering(question, again, 10)


def again(trail: Trail) -> Flow[Stop]:
    yield from trail.search([trail.question.split()[-1]], "its last word")
    return "rounds"


async def silent() -> LLM:
    return ScriptedLLM()


def searching(question: str) -> Flow[Routed]:
    """Follow the score of the first search: few steps for what is found at once."""
    (found,) = yield [Search(question, 1)]
    assert isinstance(found, Searched)
    best = found.candidates[0].score if found.candidates else 0.0
    return Routed(Route("B" if best > 0.5 else "C", "classifier", f"the best has {best:.2f}"))


def near(question: str) -> Flow[Routed]:
    """Follow the first number of the question's vector."""
    (reply,) = yield [Encode(question)]
    assert isinstance(reply, Encoded)
    return Routed(Route("A" if reply.vector[0] > 0 else "B", "neighbours", "as its vector says"))


def fail(question: str) -> Flow[Routed]:
    yield [Search(question)]
    raise StoreUnavailable("gone")


async def claiming() -> LLM:
    return model()


METHODS = {
    **routers(),
    "searching": Routing(searching),
    "near": Routing(near),
    "failing": Routing(fail),
}
DEEPENER = Deepener({"twice": twice}, silent)
WAYS = Defaults(
    "dbsf",
    100,
    tuple(FUSIONS),
    expansions=("echo", "asking"),
    routers=tuple(METHODS),
    iterations=("twice",),
)
EXPANDED = Handling(expand=("echo", "asking"), iterate="twice", seconds=10.0)
RERANKED = Guarded(Scoring("longest", Longest()), None)
WINDOW = Widening("window", 1)
BOTH = pytest.mark.parametrize("reranker", [None, RERANKED], ids=["fused", "reranked"])


async def parts(
    reranker: Reranker | None = None,
    *,
    expanding: bool = False,
    widening: Widening | None = None,
) -> Parts:
    encoder, sparse = HashedEncoder(), Bm25Encoder()
    store = ExactStore(CollectionSpec("hashed", "hashed/64", 64, "bm25", "none"))
    vectors = await encoder.encode(TEXTS, "document")
    await store.put(
        [
            Point(
                Chunk(f"c{i}", f"doc-{i}", text, 0, len(text), metadata={"number": i}),
                vector,
                sparse.document(text, 10.0),
                sparse.length(text),
            )
            for i, (text, vector) in enumerate(zip(TEXTS, vectors, strict=True))
        ]
    )
    return Parts(
        encoder=encoder,
        sparse=sparse,
        store=store,
        generator=quoting(encoder, Floor(0.35), Limits(3)),
        defaults=WAYS,
        fusions=FUSIONS,
        weights={"dense": 0.5, "bm25": 0.5},
        packing=Packing(3),
        reranker=reranker,
        rerank_depth=2,
        routers=Routers(METHODS, claiming, encoder) if expanding else None,
        expander=expander() if expanding else None,
        deepener=DEEPENER if expanding else None,
        widening=widening,
    )


def timeless(value: Traced) -> Traced:
    """Return the value without how long its stages took, and what time they left."""
    handling = value.query.handling and replace(value.query.handling, seconds=0.0)
    query = replace(value.query, handling=handling)
    trace = tuple(replace(stage, ms=0.0) for stage in value.trace)
    return replace(value, query=query, trace=trace)


async def fused_by_hand(query: Query, mine: Parts) -> Fused:
    plan = make_plan(query, mine.defaults)
    if mine.expander is not None:
        plan = await stand_alone(plan, mine.expander.llm)
    if mine.routers is not None:
        plan = await route(plan, mine.routers, partial(mine.search, replace(plan.query, fusion="")))
    if mine.expander is not None:
        plan = await expand(plan, mine.expander, partial(mine.search, plan.query))
    return fuse(await find(plan, mine.encoder, mine.sparse, mine.store), mine.fusions, mine.weights)


async def search_by_hand(query: Query, mine: Parts) -> Results:
    fused = await fused_by_hand(query, mine)
    most = mine.fetched(query)
    results = await fetch(fused, mine.store, most)
    if mine.deepener is not None:
        search = partial(mine.search, results.query)
        results = await deepen(results, mine.deepener, search, most)
    if mine.reranker is not None:
        results = cut(await rerank(results, mine.reranker, mine.rerank_depth_of(query)))
    return await widen(results, mine.store, mine.widening) if mine.widening else results


async def answer_by_hand(query: Query, mine: Parts) -> Answer:
    return await write(pack(await search_by_hand(query, mine), mine.packing), mine.generator)


@pytest.mark.anyio
@BOTH
@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.text)
async def test_the_graph_equals_the_functions_called_by_hand(
    query: Query, reranker: Reranker | None
) -> None:
    mine = await parts(reranker)
    path = QueryPath(mine)
    assert timeless(await path.search(query)) == timeless(await search_by_hand(query, mine))
    assert timeless(await path.answer(query)) == timeless(await answer_by_hand(query, mine))


@pytest.mark.anyio
@BOTH
async def test_widened_results_come_out_of_the_graph_as_by_hand(
    reranker: Reranker | None,
) -> None:
    mine = await parts(reranker, widening=WINDOW)
    texts = TEXTS[2:4]
    vectors = await mine.encoder.encode(texts, "document")
    spans = [(0, len(texts[0]), " "), (len(texts[0]) + 1, len(" ".join(texts)), "")]
    await mine.store.put(
        [
            Point(
                Chunk(f"w{i}", "wide", text, start, end, ordinal=i, gap=gap),
                vector,
                mine.sparse.document(text, 10.0),
                mine.sparse.length(text),
            )
            for i, (text, vector, (start, end, gap)) in enumerate(
                zip(texts, vectors, spans, strict=True)
            )
        ]
    )
    path = QueryPath(mine)
    for query in QUERIES:
        found = await path.search(query)
        assert timeless(found) == timeless(await search_by_hand(query, mine))
        assert timeless(await path.answer(query)) == timeless(await answer_by_hand(query, mine))
    assert " ".join(texts) in [
        c.chunk.text for c in (await path.search(Query("freezer"))).candidates
    ]


@pytest.mark.anyio
async def test_a_reranked_search_returns_k_of_the_best_and_says_so() -> None:
    fused = await QueryPath(await parts()).search(Query("freezer", k=2))
    mine = replace(await parts(RERANKED), rerank_depth=4)
    found = await QueryPath(mine).search(Query("freezer", k=2))
    assert len(found.candidates) == len(fused.candidates) == 2
    assert [stage.name for stage in found.trace] == ["plan", "find", "fuse", "fetch", "rerank"]
    lengths = [len(c.chunk.text) for c in found.candidates]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] == max(map(len, TEXTS))
    assert found.candidates[0].ranks["rerank"] == 1


@pytest.mark.anyio
async def test_what_the_reranker_does_not_see_follows_below() -> None:
    mine = replace(await parts(RERANKED), rerank_depth=1)
    fused = await QueryPath(await parts()).search(Query("freezer"))
    found = await QueryPath(mine).search(Query("freezer"))
    assert [c.chunk.id for c in found.candidates] == [c.chunk.id for c in fused.candidates]
    scores = [c.score for c in found.candidates]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("query", QUERIES[:3], ids=lambda query: query.text)
def test_the_synchronous_graph_equals_the_asynchronous_one(query: Query) -> None:
    # For a user's own pipeline: ours is always run asynchronously.
    mine = asyncio.run(parts())
    results = search_graph(mine).run({"plan": {"query": query}})["fetch"]["results"]
    assert timeless(results) == timeless(asyncio.run(search_by_hand(query, mine)))
    answer = answer_graph(mine).run({"plan": {"query": query}})["generate"]["answer"]
    assert timeless(answer) == timeless(asyncio.run(answer_by_hand(query, mine)))


@pytest.mark.anyio
async def test_twenty_concurrent_searches_equal_the_same_one_by_one() -> None:
    path = QueryPath(await parts())
    queries = QUERIES * 2
    alone = [timeless(await path.search(query)) for query in queries]
    together = await asyncio.gather(*map(path.search, queries))
    assert [timeless(results) for results in together] == alone
    assert len(queries) == 20


@pytest.mark.anyio
async def test_concurrent_searches_and_answers_do_not_mix() -> None:
    path = QueryPath(await parts())
    searches = [timeless(await path.search(query)) for query in QUERIES]
    answers = [timeless(await path.answer(query)) for query in QUERIES]
    together = await asyncio.gather(
        *(call(query) for query in QUERIES for call in (path.search, path.answer))
    )
    assert [timeless(r) for r in together if isinstance(r, Results)] == searches
    assert [timeless(r) for r in together if isinstance(r, Answer)] == answers


@pytest.mark.anyio
async def test_values_pass_through_the_graph_uncopied() -> None:
    query = Query("freezer", handling=Handling())
    answer = await QueryPath(await parts()).answer(query)
    assert answer.query.handling is query.handling


def components(graph: Pipeline) -> dict[str, Component]:
    return {name: graph.get_component(name) for name in graph.graph.nodes}


@pytest.mark.anyio
async def test_every_components_declared_outputs_equal_its_returned_keys() -> None:
    graph = answer_graph(await parts(RERANKED, expanding=True, widening=WINDOW))
    declared = graph.outputs(include_components_with_connected_outputs=True)
    inputs: dict[str, object] = {"query": QUERIES[0]}
    order = [
        "plan",
        "prepare",
        "find",
        "fuse",
        "fetch",
        "deepen",
        "rerank",
        "widen",
        "pack",
        "generate",
    ]
    assert sorted(components(graph)) == sorted(order)
    for name in order:
        node = components(graph)[name]
        run = getattr(node, "run_async", node.run)
        outputs = run(**inputs)
        if inspect.isawaitable(outputs):
            outputs = await outputs
        assert isinstance(outputs, dict)
        assert set(outputs) == set(declared[name])
        for key, value in outputs.items():
            assert type(value) is declared[name][key]["type"]
        inputs = outputs


@pytest.mark.anyio
async def test_a_components_two_ways_of_running_have_the_same_face() -> None:
    for node in components(
        answer_graph(await parts(RERANKED, expanding=True, widening=WINDOW))
    ).values():
        both = [getattr(node, way) for way in ("run", "run_async") if hasattr(node, way)]
        assert len({str(inspect.signature(way).parameters) for way in both}) == 1


@pytest.mark.anyio
async def test_every_component_of_the_module_stands_in_the_graph() -> None:
    used = {
        type(node)
        for node in components(
            answer_graph(await parts(RERANKED, expanding=True, widening=WINDOW))
        ).values()
    }
    offered = {
        kind
        for _, kind in inspect.getmembers(rag.components, inspect.isclass)
        if kind.__module__ == rag.components.__name__ and hasattr(kind, "run")
    }
    assert used == offered


@pytest.mark.anyio
@BOTH
async def test_expanded_queries_come_out_of_the_graph_as_by_hand(
    reranker: Reranker | None,
) -> None:
    mine = await parts(reranker, expanding=True)
    path = QueryPath(await parts(reranker, expanding=True))  # another cache
    for query in (replace(query, handling=EXPANDED) for query in QUERIES):
        found = timeless(await path.search(query))
        assert found == timeless(await search_by_hand(query, mine))
        failed = next(stage for stage in found.trace if stage.name == "expand asking")
        assert (failed.status, failed.detail) == ("failed", "there is none")


ROUTED = [
    *(Query(text) for text in ("Hello there!", "???", "who are you?")),
    Query("Which holds longer, the Freezer or the Battery?"),
    Query(CLAIMED),
    Query(CLAIMED, k=1, branches=("bm25",), fusion="rrf"),
    Query("dogs", where=parse_where({"metadata.number": {"gte": 2}})),
    Query("freezer", tenant="nobody"),
]


@pytest.mark.anyio
@BOTH
@pytest.mark.parametrize("name", METHODS)
async def test_routed_queries_come_out_of_the_graph_as_by_hand(
    name: str, reranker: Reranker | None
) -> None:
    mine = await parts(reranker, expanding=True)
    path = QueryPath(await parts(reranker, expanding=True))
    for query in ROUTED:
        routed = replace(query, handling=replace(EXPANDED, route=name))
        found = timeless(await path.search(routed))
        assert found == timeless(await search_by_hand(routed, mine))
        assert [stage.name for stage in found.trace][:2] == ["plan", "route"]
        assert timeless(await path.answer(routed)) == timeless(await answer_by_hand(routed, mine))


@pytest.mark.anyio
@BOTH
async def test_a_greeting_is_not_searched_for_and_the_answer_says_why(
    reranker: Reranker | None,
) -> None:
    path = QueryPath(await parts(reranker, expanding=True))
    query = Query("Hello!", handling=replace(EXPANDED, route="rules"))
    found, answer = await path.search(query), await path.answer(query)
    assert found.candidates == ()
    assert answer.abstained
    assert answer.reason == "no search is needed: a greeting"
    done = {stage.name: stage for stage in answer.trace}
    assert done["search"].detail == done["generate"].detail == answer.reason
    assert done["find"].status == "skipped"
    assert not any(name.startswith(("expand", "iterate")) for name in done)
    plain = await path.search(replace(query, handling=EXPANDED))
    assert plain.candidates  # where nobody routes, it is searched for


@pytest.mark.anyio
async def test_what_a_claim_finds_is_fused_with_what_the_question_finds() -> None:
    path = QueryPath(await parts(expanding=True))
    query = Query(CLAIMED, handling=Handling(route="claims", seconds=10.0))
    found = await path.search(query)
    branches = {name for candidate in found.candidates for name in candidate.ranks}
    assert branches >= {"dense", "dense+claim-1", "dense+claim-2"}


@pytest.mark.anyio
async def test_a_router_searches_as_the_settings_fuse_whatever_the_query_asks_for() -> None:
    # An RRF score is far below .5, a DBSF score of the best chunk above it.
    path = QueryPath(await parts(expanding=True))
    query = Query("sample freezer", handling=Handling(route="searching", seconds=10.0))
    traces = [(await path.search(replace(query, fusion=name))).trace for name in ("", "rrf")]
    assert len({trace[1].detail for trace in traces}) == 1


@pytest.mark.anyio
async def test_fifty_expanded_queries_at_once_are_as_one_by_one() -> None:
    path = QueryPath(await parts(expanding=True))
    queries = [replace(QUERIES[i % len(QUERIES)], handling=EXPANDED) for i in range(50)]
    first = [timeless(await path.search(query)) for query in queries]
    assert [timeless(r) for r in await asyncio.gather(*map(path.search, queries))] == [
        timeless(await path.search(query)) for query in queries
    ]
    assert [r.candidates for r in first] == [
        (await path.search(query)).candidates for query in queries
    ]
