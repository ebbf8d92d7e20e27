"""The query path as a thin Haystack graph.

plan (→ prepare) → find → fuse → fetch (→ deepen) (→ rerank) (→ pack → generate)

Every component (`rag.components`) hands one frozen value to the next; the graph's result equals the
functions called by hand (tested). Importing this module imports Haystack, so only the wiring does.
"""

from collections.abc import Iterator, Mapping

from haystack import Pipeline
from haystack.core.component import Component
from haystack.core.errors import PipelineRuntimeError

from rag.components import (
    Deepening,
    Fetcher,
    Finder,
    Fuser,
    Packer,
    Planner,
    Preparing,
    Reordering,
    Writer,
)
from rag.errors import RagError
from rag.parts import Parts
from rag.values import Answer, Query, Results


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


def found_by(parts: Parts) -> str:
    """Return the name of the component that gives the results."""
    if parts.reranker is not None:
        return "rerank"
    return "fetch" if parts.deepener is None else "deepen"


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
