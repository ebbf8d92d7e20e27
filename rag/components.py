"""Every step of the query path as a Haystack component, which wraps one function of this package.

All have `run_async`, also those that never wait: Haystack sends a sync-only component to a thread,
which costs .1 ms. They also fit into a user's own Haystack pipeline. Importing this module imports
Haystack.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import TypeVar

from haystack import component

from rag.deepen import Deepener, deepen
from rag.expand.alone import stand_alone
from rag.expand.expand import expand
from rag.find import fetch, find
from rag.fuse import fuse
from rag.packing import pack
from rag.parts import Parts
from rag.plan import make_plan
from rag.rerank import cut, rerank
from rag.route.route import route, unsearched
from rag.seams import Generator, Reranker
from rag.second_look import look_again
from rag.spans import Timed, timed
from rag.values import Answer, Context, Found, Fused, Plan, Query, Results, Stage, Told
from rag.widen import Widening, widen

Traced = TypeVar("Traced", Plan, Found, Fused, Results, Context)


async def telling(context: Context, generator: Generator) -> AsyncGenerator[Told, None]:
    """Yield what the generator says, the `Answer` last.

    Where nothing was searched for, it is not asked: that is an abstention.

    Raises:
        RuntimeError: the generator broke its contract and ended without an answer.
    """
    if reason := unsearched(context.trace):
        stage = Stage("generate", 0.0, "skipped", reason)
        yield Answer(context.query, "", (), (), reason, (*context.trace, stage), "no")
        return
    async with aclosing(generator.answer(context)) as pieces:
        async for piece in pieces:
            yield piece
            if isinstance(piece, Answer):
                return
    raise RuntimeError(f"{type(generator).__name__} ended without an answer")


async def write(context: Context, generator: Generator) -> Answer:
    """Return the generator's `Answer`.

    Raises:
        RuntimeError: as `telling`.
    """
    async with aclosing(telling(context, generator)) as pieces:
        return [piece async for piece in pieces if isinstance(piece, Answer)][-1]


def _clocked(value: Traced, clock: Timed) -> Traced:
    """Write the clock's time into the value's last stage."""
    return replace(value, trace=(*value.trace[:-1], clock.stage(value.trace[-1])))


@component
class Planner:
    """`make_plan` as a component."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @component.output_types(plan=Plan)
    def run(self, query: Query) -> dict[str, Plan]:
        """Return the plan of a query."""
        with timed("plan") as clock:
            return {"plan": _clocked(make_plan(query, self._parts.defaults), clock)}

    @component.output_types(plan=Plan)
    async def run_async(self, query: Query) -> dict[str, Plan]:
        """Return the plan of a query."""
        return self.run(query)


@component
class Preparing:
    """`stand_alone`, `route` and `expand` as one component.

    One, for a component costs .2 ms, and most queries need none of the three.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @component.output_types(plan=Plan)
    def run(self, plan: Plan) -> dict[str, Plan]:
        """Return the plan as it is before anything is searched for it."""
        return asyncio.run(self.run_async(plan))

    @component.output_types(plan=Plan)
    async def run_async(self, plan: Plan) -> dict[str, Plan]:
        """Return the plan as it is before anything is searched for it."""
        parts = self._parts
        if parts.expander is not None:
            plan = await stand_alone(plan, parts.expander.llm)
        if parts.routers is not None:
            # A router may know scores, which are those of the settings' fusion, not of the query's.
            search = partial(parts.search, replace(plan.query, fusion=""))
            plan = await route(plan, parts.routers, search)
        if parts.expander is not None:
            plan = await expand(plan, parts.expander, partial(parts.search, plan.query))
        return {"plan": plan}


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
        parts = self._parts
        with timed("find") as clock:
            found = await find(plan, parts.encoder, parts.sparse, parts.store)
            return {"found": _clocked(found, clock)}


@component
class Fuser:
    """`fuse` as a component."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @component.output_types(fused=Fused)
    def run(self, found: Found) -> dict[str, Fused]:
        """Return one ranking of everything found."""
        with timed("fuse") as clock:
            fused = fuse(found, self._parts.fusions, self._parts.weights)
            return {"fused": _clocked(fused, clock)}

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
        with timed("fetch") as clock:
            most = self._parts.fetched(fused.query)
            return {"results": _clocked(await fetch(fused, self._parts.store, most), clock)}


@component
class Deepening:
    """`deepen` as a component."""

    def __init__(self, parts: Parts, deepener: Deepener) -> None:
        self._parts = parts
        self._deepener = deepener

    @component.output_types(results=Results)
    def run(self, results: Results) -> dict[str, Results]:
        """Return the candidates with those of further searches."""
        return asyncio.run(self.run_async(results))

    @component.output_types(results=Results)
    async def run_async(self, results: Results) -> dict[str, Results]:
        """Return the candidates with those of further searches."""
        search = partial(self._parts.search, results.query)
        most = self._parts.fetched(results.query)
        return {"results": await deepen(results, self._deepener, search, most)}


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
        parts, depth = self._parts, self._parts.rerank_depth_of(results.query)
        if not depth:
            return {"results": cut(results)}
        found = await rerank(results, self._reranker, depth)
        if parts.move is not None:
            with timed("feedback") as clock:
                found = await look_again(found, parts.encoder, parts.store, parts.move, depth)
                found = _clocked(found, clock)
        return {"results": cut(found)}


@component
class Widener:
    """`widen` as a component."""

    def __init__(self, parts: Parts, widening: Widening) -> None:
        self._parts = parts
        self._widening = widening

    @component.output_types(results=Results)
    def run(self, results: Results) -> dict[str, Results]:
        """Return the candidates with what stands around them."""
        return asyncio.run(self.run_async(results))

    @component.output_types(results=Results)
    async def run_async(self, results: Results) -> dict[str, Results]:
        """Return the candidates with what stands around them."""
        with timed("widen") as clock:
            found = await widen(results, self._parts.store, self._widening)
            return {"results": _clocked(found, clock)}


@component
class Packer:
    """`pack` as a component."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @component.output_types(context=Context)
    def run(self, results: Results) -> dict[str, Context]:
        """Return the passages that may be cited."""
        return asyncio.run(self.run_async(results))

    @component.output_types(context=Context)
    async def run_async(self, results: Results) -> dict[str, Context]:
        """Return the passages that may be cited."""
        with timed("pack") as clock:
            packing = await self._parts.packed_for(results.query)
            return {"context": _clocked(pack(results, packing), clock)}


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
        return {"answer": await write(context, self._parts.generator)}
