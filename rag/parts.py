"""What the query path is made of."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from rag.deepen import Deepener
from rag.expand.expand import Expander
from rag.find import fetch, find
from rag.fuse import Fusion, Weights, fuse
from rag.packing import Packing
from rag.plan import Defaults, make_plan
from rag.route.route import Routers
from rag.seams import Encoder, Generator, Reranker, SparseEncoder, Store
from rag.second_look import Move
from rag.spans import timed
from rag.values import Frozen, Handling, Query, Search, Searched
from rag.widen import Widening

Window: TypeAlias = Callable[[Query, Packing], Awaitable[Packing]]
"""Bounds a packing by what the writer of a query's answer can read."""


@dataclass(frozen=True, slots=True)
class Parts(Frozen):
    """What the query path is made of.

    Without a reranker the fused order stands; without routers every query is searched; without an
    expander queries look with their own words alone, and without a deepener once; without a
    widening what is found is what is read. Without a window every answer is packed for alike.
    """

    encoder: Encoder
    sparse: SparseEncoder
    store: Store
    generator: Generator
    defaults: Defaults
    fusions: Mapping[str, Fusion]
    weights: Weights
    packing: Packing
    reranker: Reranker | None = None
    rerank_depth: int = 0
    move: Move | None = None
    routers: Routers | None = None
    expander: Expander | None = None
    deepener: Deepener | None = None
    widening: Widening | None = None
    window: Window | None = None

    async def packed_for(self, query: Query) -> Packing:
        """Return what may be packed for a query: what whoever writes the answer can read."""
        return await self.window(query, self.packing) if self.window else self.packing

    def rerank_depth_of(self, query: Query) -> int:
        """Return how many candidates of a query are reranked."""
        asked = query.handled.rerank_depth
        return self.rerank_depth if asked is None else asked

    def fetched(self, query: Query) -> int:
        """Return how many candidates of a query are fetched: those asked for, or reranked."""
        return max(query.k, self.rerank_depth_of(query) if self.reranker else 0)

    async def search(self, query: Query, request: Search) -> Searched:
        """Return the best chunks for a text, found by plain branches as for the query itself."""
        plain = replace(query, text=request.text, k=request.k, branches=request.branches)
        with timed("search"):
            plan = make_plan(replace(plain, handling=Handling()), self.defaults)
            found = await find(plan, self.encoder, self.sparse, self.store)
            fused = fuse(found, self.fusions, self.weights)
            return Searched((await fetch(fused, self.store)).candidates)
