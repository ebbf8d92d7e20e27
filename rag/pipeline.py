"""The query path as a thin Haystack graph.

plan (→ expand) → find → fuse → fetch (→ deepen) (→ rerank) (→ pack → generate)

Every component (`rag.components`) hands one frozen value to the next; the graph's result equals the
functions called by hand (tested). Importing this module imports Haystack, so only the wiring does.
"""

from collections.abc import Mapping

from haystack import Pipeline
from haystack.core.errors import PipelineRuntimeError

from rag.components import (
    Deepening,
    Expanding,
    Fetcher,
    Finder,
    Fuser,
    Packer,
    Planner,
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
    graph.add_component("find", Finder(parts))
    graph.add_component("fuse", Fuser(parts))
    graph.add_component("fetch", Fetcher(parts))
    if parts.expander is None:
        graph.connect("plan.plan", "find.plan")
    else:
        graph.add_component("expand", Expanding(parts, parts.expander))
        graph.connect("plan.plan", "expand.plan")
        graph.connect("expand.plan", "find.plan")
    graph.connect("find.found", "fuse.found")
    graph.connect("fuse.fused", "fetch.fused")
    last = "fetch"
    if parts.deepener is not None:
        graph.add_component("deepen", Deepening(parts, parts.deepener))
        graph.connect(f"{last}.results", "deepen.results")
        last = "deepen"
    if parts.reranker is not None:
        graph.add_component("rerank", Reordering(parts, parts.reranker))
        graph.connect(f"{last}.results", "rerank.results")
    return graph


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
