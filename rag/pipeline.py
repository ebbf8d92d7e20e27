"""The query path as a thin Haystack graph.

plan (→ prepare) → find → fuse → fetch (→ deepen) (→ rerank) (→ widen) (→ pack → generate)

Every component (`rag.components`) hands one frozen value to the next; the graph's result equals the
functions called by hand (tested). Importing this module imports Haystack, so only the wiring does.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing

from haystack import Pipeline
from haystack.core.component import Component
from haystack.core.errors import PipelineRuntimeError

from rag.citing.events import Event, Meta, SearchResults, Telling
from rag.citing.structure import references
from rag.components import (
    Deepening,
    Fetcher,
    Finder,
    Fuser,
    Packer,
    Planner,
    Preparing,
    Reordering,
    Widener,
    Writer,
    telling,
)
from rag.errors import RagError
from rag.parts import Parts
from rag.route.route import routed
from rag.values import Answer, Context, Found, Fused, Query, Results


def search_graph(parts: Parts) -> Pipeline:
    """Return the graph Query → Results; input `plan.query`, output `results` of `found_by`."""
    graph = Pipeline()
    graph.add_component("plan", Planner(parts))
    last = "plan"
    for name, node, value in _after_planning(parts):
        graph.add_component(name, node)
        graph.connect(f"{last}.{value}", f"{name}.{value}")
        last = name
    return graph


def _after_planning(parts: Parts) -> Iterator[tuple[str, Component, str]]:
    """Yield the name of every further component, itself, and what it takes from the one before."""
    if parts.expander is not None or parts.routers is not None:
        yield "prepare", Preparing(parts), "plan"
    yield "find", Finder(parts), "plan"
    yield "fuse", Fuser(parts), "found"
    yield "fetch", Fetcher(parts), "fused"
    if parts.deepener is not None:
        yield "deepen", Deepening(parts, parts.deepener), "results"
    if parts.reranker is not None:
        yield "rerank", Reordering(parts, parts.reranker), "results"
    if parts.widening is not None:
        yield "widen", Widener(parts, parts.widening), "results"


def found_by(parts: Parts) -> str:
    """Return the name of the component that gives the results."""
    last = {"widen": parts.widening, "rerank": parts.reranker, "deepen": parts.deepener}
    return next((name for name, part in last.items() if part is not None), "fetch")


def context_graph(parts: Parts) -> Pipeline:
    """Return the graph Query → Context; input `plan.query`, output `pack.context`."""
    graph = search_graph(parts)
    graph.add_component("pack", Packer(parts))
    graph.connect(f"{found_by(parts)}.results", "pack.results")
    return graph


def answer_graph(parts: Parts) -> Pipeline:
    """Return the graph Query → Answer; input `plan.query`, output `generate.answer`."""
    graph = context_graph(parts)
    graph.add_component("generate", Writer(parts))
    graph.connect("pack.context", "generate.context")
    return graph


class QueryPath:
    """The graphs over one set of parts; shareable between concurrent requests."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._search = search_graph(parts)
        self._context = context_graph(parts)
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

    async def explain(self, query: Query) -> tuple[Results, Found, Fused]:
        """Return the k best chunks, what every branch found, and what fusion made of that.

        Raises:
            BadQuery, StoreUnavailable: as `search`.
        """
        outputs = await _run(self._search, query, {"find", "fuse"})
        results = outputs[found_by(self.parts)]["results"]
        found, fused = outputs["find"]["found"], outputs["fuse"]["fused"]
        assert isinstance(results, Results)  # noqa: S101 - the graph's declared outputs
        assert isinstance(found, Found)  # noqa: S101
        assert isinstance(fused, Fused)  # noqa: S101
        return results, found, fused

    async def answer(self, query: Query) -> Answer:
        """Return a cited answer, or an abstention with its reason.

        Raises:
            BadQuery: the query cannot be planned.
            StoreUnavailable: from the store.
        """
        answer, _ = await self.grounded(query)
        return answer

    async def grounded(self, query: Query) -> tuple[Answer, Context]:
        """Return a cited answer or an abstention, and all that it could be written from.

        Raises:
            BadQuery, StoreUnavailable: as `answer`.
        """
        outputs = await _run(self._answer, query, {"pack"})
        answer, context = outputs["generate"]["answer"], outputs["pack"]["context"]
        assert isinstance(answer, Answer)  # noqa: S101 - the graph's declared outputs
        assert isinstance(context, Context)  # noqa: S101
        return answer, context

    async def stream(self, query: Query, request_id: str = "") -> AsyncGenerator[Event, None]:
        """Yield the answer as events, in the order of `rag.citing.events`, while it is made.

        Leaving the loop stops the writing. `rag.heartbeat.beating` fills long silences.

        Args:
            query: what is asked.
            request_id: told in the first event.

        Raises:
            BadQuery: the query cannot be planned.
            StoreUnavailable: from the store.
        """
        context = (await _run(self._context, query))["pack"]["context"]
        assert isinstance(context, Context)  # noqa: S101 - the graph's declared output
        known = tuple(references(context.passages).values())
        events = Telling(Meta(request_id, routed(context.trace)), SearchResults(known))
        for event in events.begin():
            yield event
        async with aclosing(telling(context, self.parts.generator)) as pieces:
            async for piece in pieces:
                for event in events.tell(piece):
                    yield event


async def _run(
    graph: Pipeline, query: Query, telling: set[str] | None = None
) -> Mapping[str, Mapping[str, object]]:
    """Return what the last component gives, and those in `telling`, by name."""
    try:
        outputs: Mapping[str, Mapping[str, object]] = await graph.run_async(
            {"plan": {"query": query}}, include_outputs_from=telling
        )
    except PipelineRuntimeError as error:  # Haystack wraps what a component raises
        if isinstance(error.__cause__, RagError):
            raise error.__cause__ from None
        raise
    return outputs
