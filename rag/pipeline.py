"""The query path as a thin Haystack graph.

plan → find → fuse → fetch (→ rerank) (→ pack → generate)

Every component wraps one function of this package and hands one frozen value to the next; the
graph's result equals the functions called by hand (tested). The components also fit into a user's
own Haystack pipeline. All have `run_async`, also those that never wait: Haystack sends a sync-only
component to a thread, which costs .1 ms. Importing this module imports Haystack, so only the wiring
does.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from haystack import Pipeline, component
from haystack.core.errors import PipelineRuntimeError

from rag.errors import RagError
from rag.find import fetch, find
from rag.fuse import Fusion, Weights, fuse
from rag.pack import pack
from rag.plan import Defaults, make_plan
from rag.rerank import cut, rerank
from rag.seams import Encoder, Generator, Reranker, SparseEncoder, Store
from rag.second_look import Move, look_again
from rag.values import Answer, Context, Found, Frozen, Fused, Plan, Query, Results

Traced = TypeVar("Traced", Plan, Found, Fused, Results, Context, Answer)


@dataclass(frozen=True, slots=True)
class Parts(Frozen):
    """What the query path is made of; without a reranker the fused order stands."""

    encoder: Encoder
    sparse: SparseEncoder
    store: Store
    generator: Generator
    defaults: Defaults
    fusions: Mapping[str, Fusion]
    weights: Weights
    passages: int
    reranker: Reranker | None = None
    rerank_depth: int = 0
    move: Move | None = None


async def write(context: Context, generator: Generator) -> Answer:
    """Return the generator's `Answer`, its last event.

    Raises:
        RuntimeError: the generator broke its contract and yielded none.
    """
    async for event in generator.answer(context):
        if isinstance(event, Answer):
            return event
    raise RuntimeError(f"{type(generator).__name__} ended without an answer")


def _clocked(value: Traced, started: float) -> Traced:
    """Write the time since `started` into the value's last stage."""
    stage = replace(value.trace[-1], ms=(time.perf_counter() - started) * 1_000)
    return replace(value, trace=(*value.trace[:-1], stage))


@component
class Planner:
    """`make_plan` as a component."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @component.output_types(plan=Plan)
    def run(self, query: Query) -> dict[str, Plan]:
        """Return the plan of a query."""
        started = time.perf_counter()
        return {"plan": _clocked(make_plan(query, self._parts.defaults), started)}

    @component.output_types(plan=Plan)
    async def run_async(self, query: Query) -> dict[str, Plan]:
        """Return the plan of a query."""
        return self.run(query)


@component
class Finder:
    """`find` as a component."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @component.output_types(found=Found)
    def run(self, plan: Plan) -> dict[str, Found]:
        """Return one ranking per branch."""
        return asyncio.run(self.run_async(plan))

    @component.output_types(found=Found)
    async def run_async(self, plan: Plan) -> dict[str, Found]:
        """Return one ranking per branch."""
        started, parts = time.perf_counter(), self._parts
        return {
            "found": _clocked(await find(plan, parts.encoder, parts.sparse, parts.store), started)
        }


@component
class Fuser:
    """`fuse` as a component."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @component.output_types(fused=Fused)
    def run(self, found: Found) -> dict[str, Fused]:
        """Return one ranking of everything found."""
        started = time.perf_counter()
        return {"fused": _clocked(fuse(found, self._parts.fusions, self._parts.weights), started)}

    @component.output_types(fused=Fused)
    async def run_async(self, found: Found) -> dict[str, Fused]:
        """Return one ranking of everything found."""
        return self.run(found)


@component
class Fetcher:
    """`fetch` as a component."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @component.output_types(results=Results)
    def run(self, fused: Fused) -> dict[str, Results]:
        """Return the k best chunks with their text."""
        return asyncio.run(self.run_async(fused))

    @component.output_types(results=Results)
    async def run_async(self, fused: Fused) -> dict[str, Results]:
        """Return the k best chunks with their text."""
        started, parts = time.perf_counter(), self._parts
        least = parts.rerank_depth if parts.reranker else 0
        return {"results": _clocked(await fetch(fused, parts.store, least), started)}


@component
class Reordering:
    """`rerank`, and `look_again` where there is a move, as a component."""

    def __init__(self, parts: Parts, reranker: Reranker) -> None:
        self._parts = parts
        self._reranker = reranker

    @component.output_types(results=Results)
    def run(self, results: Results) -> dict[str, Results]:
        """Return the k best candidates in the reranker's order."""
        return asyncio.run(self.run_async(results))

    @component.output_types(results=Results)
    async def run_async(self, results: Results) -> dict[str, Results]:
        """Return the k best candidates in the reranker's order."""
        parts, depth = self._parts, self._parts.rerank_depth
        found = await rerank(results, self._reranker, depth)
        if parts.move is not None:
            started = time.perf_counter()
            found = await look_again(found, parts.encoder, parts.store, parts.move, depth)
            found = _clocked(found, started)
        return {"results": cut(found)}


@component
class Packer:
    """`pack` as a component."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @component.output_types(context=Context)
    def run(self, results: Results) -> dict[str, Context]:
        """Return the passages that may be cited."""
        started = time.perf_counter()
        return {"context": _clocked(pack(results, self._parts.passages), started)}

    @component.output_types(context=Context)
    async def run_async(self, results: Results) -> dict[str, Context]:
        """Return the passages that may be cited."""
        return self.run(results)


@component
class Writer:
    """`write` as a component."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @component.output_types(answer=Answer)
    def run(self, context: Context) -> dict[str, Answer]:
        """Return the cited answer."""
        return asyncio.run(self.run_async(context))

    @component.output_types(answer=Answer)
    async def run_async(self, context: Context) -> dict[str, Answer]:
        """Return the cited answer."""
        started = time.perf_counter()
        return {"answer": _clocked(await write(context, self._parts.generator), started)}


def search_graph(parts: Parts) -> Pipeline:
    """Return the graph Query → Results; input `plan.query`, output `results` of `found_by`."""
    graph = Pipeline()
    graph.add_component("plan", Planner(parts))
    graph.add_component("find", Finder(parts))
    graph.add_component("fuse", Fuser(parts))
    graph.add_component("fetch", Fetcher(parts))
    graph.connect("plan.plan", "find.plan")
    graph.connect("find.found", "fuse.found")
    graph.connect("fuse.fused", "fetch.fused")
    if parts.reranker is not None:
        graph.add_component("rerank", Reordering(parts, parts.reranker))
        graph.connect("fetch.results", "rerank.results")
    return graph


def found_by(parts: Parts) -> str:
    """Return the name of the component that gives the results."""
    return "fetch" if parts.reranker is None else "rerank"


def answer_graph(parts: Parts) -> Pipeline:
    """Return the graph Query → Answer; input `plan.query`, output `generate.answer`."""
    graph = search_graph(parts)
    graph.add_component("pack", Packer(parts))
    graph.add_component("generate", Writer(parts))
    graph.connect(f"{found_by(parts)}.results", "pack.results")
    graph.connect("pack.context", "generate.context")
    return graph


class QueryPath:
    """The two graphs over one set of parts; shareable between concurrent requests."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._search = search_graph(parts)
        self._answer = answer_graph(parts)

    async def search(self, query: Query) -> Results:
        """Return the k best chunks for a query.

        Raises:
            BadQuery: the query cannot be planned.
            StoreUnavailable: from the store.
        """
        results = (await _run(self._search, query))[found_by(self.parts)]["results"]
        assert isinstance(results, Results)  # noqa: S101 - the graph's declared output
        return results

    async def answer(self, query: Query) -> Answer:
        """Return a cited answer, or an abstention with its reason.

        Raises:
            BadQuery: the query cannot be planned.
            StoreUnavailable: from the store.
        """
        answer = (await _run(self._answer, query))["generate"]["answer"]
        assert isinstance(answer, Answer)  # noqa: S101 - the graph's declared output
        return answer


async def _run(graph: Pipeline, query: Query) -> Mapping[str, Mapping[str, object]]:
    try:
        outputs: Mapping[str, Mapping[str, object]] = await graph.run_async(
            {"plan": {"query": query}}
        )
    except PipelineRuntimeError as error:  # Haystack wraps what a component raises
        if isinstance(error.__cause__, RagError):
            raise error.__cause__ from None
        raise
    return outputs
