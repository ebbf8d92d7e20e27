"""Running the expansions that a plan wants: side by side, gated, in time, each with its stage."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, replace

from rag.deadline import within
from rag.errors import RagError
from rag.expand.asked import Asked, Expansion
from rag.expand.gates import why_not
from rag.flows import Budget, Searcher, drive, stopped
from rag.prompts import all_prompts
from rag.seams import LLM, SparseEncoder
from rag.spans import timed
from rag.values import Branch, Frozen, Plan, Query, Search, Searched, SparseVector, Stage

Branches = tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class Method(Frozen):
    """An expansion, and whether it asks a language model."""

    expansion: Expansion
    asks: bool = True


class ExpansionCache:
    """The latest expansions, by all that they depend on.

    Args:
        most: so many are kept.
        seconds: so long, for another process may have changed the collection.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        most: int = 1_000,
        seconds: float = 60.0,  # chosen
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most, self._seconds, self._clock = most, seconds, clock
        self._kept: OrderedDict[Hashable, tuple[float, Branches]] = OrderedDict()

    def get(self, key: Hashable) -> Branches | None:
        """Return what is kept under a key."""
        made, branches = self._kept.get(key, (-math.inf, None))
        if self._clock() - made >= self._seconds:
            self._kept.pop(key, None)
            return None
        self._kept.move_to_end(key)
        return branches

    def put(self, key: Hashable, branches: Branches) -> None:
        """Keep branches; the one that was not used for longest makes room."""
        self._kept[key] = self._clock(), branches
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Expander(Frozen):
    """What expanding takes.

    Args:
        methods: the expansions by name.
        llm: gives the language model, which may have to be loaded.
        sparse: counts and weighs terms.
        corpus: gives a name of what the collection holds, and its mean length in terms.
        cache: keeps what was made.
    """

    methods: Mapping[str, Method]
    llm: Callable[[], Awaitable[LLM]]
    sparse: SparseEncoder
    corpus: Callable[[], Awaitable[tuple[str, float]]]
    cache: ExpansionCache


async def expand(plan: Plan, expander: Expander, search: Searcher) -> Plan:
    """Return the plan with the branches of its expansions after its own.

    An expansion that fails or is not done in time adds nothing; the plan's trace says so. The
    query's own branches stay as they are.

    Args:
        plan: says which expansions, and the calls and seconds for all of them together.
        expander: see there.
        search: looks in the collection under the query's access and conditions.
    """
    query, handling = plan.query, plan.query.handled
    if not handling.expand:
        return plan
    text = " ".join(query.text.split())  # as it stands for itself
    if reason := why_not(text):
        stages = [Stage(f"expand {name}", 0.0, "skipped", reason) for name in handling.expand]
        return replace(plan, trace=(*plan.trace, *stages))
    asking = sum(expander.methods[name].asks for name in handling.expand)
    calls = handling.calls // asking if asking else 0
    asked = Asked(text, plan.branches[0].depth, expander.sparse, 0.0)
    once = _Once(search)
    began = time.perf_counter()
    made = await asyncio.gather(
        *(_made(name, query, asked, expander, once, calls) for name in handling.expand)
    )
    own = {b.name for b in plan.branches}
    new = {b.name: b for found, _ in made for b in found}
    added = tuple(b for name, b in new.items() if name not in own)
    stages = [stage for _, stage in made]
    spent = query.spending(sum(s.cost.calls for s in stages), time.perf_counter() - began)
    branches = (*plan.branches, *added)
    return replace(plan, query=spent, branches=branches, trace=(*plan.trace, *stages))


async def _made(
    name: str,
    query: Query,
    asked: Asked,
    expander: Expander,
    search: Searcher,
    calls: int,
) -> tuple[Branches, Stage]:
    """Return the branches of one expansion, and its stage."""
    with timed(f"expand {name}") as clock:
        branches, stage = await _tried(name, query, asked, expander, search, calls)
        return branches, clock.stage(stage)


async def _tried(
    name: str,
    query: Query,
    asked: Asked,
    expander: Expander,
    search: Searcher,
    calls: int,
) -> tuple[Branches, Stage]:
    method, stage = expander.methods[name], Stage(f"expand {name}", 0.0)
    branches: Branches = ()
    try:
        async with within(query.handled.seconds):
            corpus, mean_length = await expander.corpus()
            llm = await expander.llm() if method.asks else None
            found_in = (query.access, query.where, query.as_of)
            what = (name, found_in, asked.text.casefold(), asked.depth)
            key = (what, corpus, _model(llm), all_prompts())
            kept = expander.cache.get(key)
            if kept is None:
                flow = method.expansion(replace(asked, mean_length=mean_length))
                driven = await drive(flow, llm, Budget(calls=calls), search)
                branches = driven.result
                if branches:  # a model that wrote nothing of use may do so the next time
                    expander.cache.put(key, branches)
                detail = _shown(branches) or "nothing to add"
                stage = replace(stage, detail=detail, cost=driven.cost)
            else:
                branches = kept
                stage = replace(stage, detail=f"{_shown(kept) or 'nothing to add'} (kept)")
    except RagError as error:
        stage = stopped(stage, error)
    return branches, stage


def _model(llm: LLM | None) -> str:
    return llm.spec.fingerprint or llm.spec.name if llm else ""


def _shown(branches: Branches) -> str:
    return "; ".join(f"{branch.name}: {_looked_for(branch)}" for branch in branches)


def _looked_for(branch: Branch) -> str:
    """Return what a branch looks for; of several texts the beginnings, with their weights."""
    if isinstance(branch.form, SparseVector) or not branch.form:
        return branch.text
    texts = (f"{part.weight:g} × “{' '.join(part.text.split())[:_SHOWN]}”" for part in branch.form)
    return " + ".join(texts)


_SHOWN = 160  # characters


class _Once:
    """Looks for the same thing once, whoever of the expansions wants it."""

    def __init__(self, search: Searcher) -> None:
        self._search = search
        self._found: dict[Search, asyncio.Task[Searched]] = {}

    async def __call__(self, request: Search) -> Searched:
        if request not in self._found:
            self._found[request] = asyncio.create_task(self._ask(request))
        return await asyncio.shield(self._found[request])

    async def _ask(self, request: Search) -> Searched:
        return await self._search(request)
