"""Expansions add branches or a reason; the query's own branches always run, and in time."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace

import pytest

from indexers.encoders.bm25 import Bm25Encoder
from rag.errors import LLMUnavailable, StoreUnavailable
from rag.expand.asked import Asked, Expansion
from rag.expand.expand import Expander, ExpansionCache, Method, expand
from rag.flows import Flow, Reply
from rag.llms.scripted import ScriptedLLM
from rag.plan import Defaults, make_plan
from rag.seams import LLM
from rag.values import (
    Branch,
    Candidate,
    Chunk,
    Complete,
    Completed,
    Cost,
    Handling,
    Message,
    Part,
    Plan,
    Query,
    Search,
    Searched,
    Stage,
)

TEXT = "how cold is the freezer"
FOUND = Searched((Candidate(Chunk("c", "d", "minus 60", 0, 8), 1.0, {"bm25": 1}),))


def adds(name: str) -> Expansion:
    def expansion(asked: Asked) -> Flow[tuple[Branch, ...]]:
        yield [Search(asked.text, 3)]
        return (Branch(name, f"{asked.text}!", asked.depth),)

    return expansion


def asks(asked: Asked) -> Flow[tuple[Branch, ...]]:
    replies = yield [Complete((Message("user", asked.text),))]
    assert isinstance(replies[0], Completed)
    return (Branch("bm25+said", replies[0].text, asked.depth),)


def says_something(asked: Asked) -> Flow[tuple[Branch, ...]]:
    (branch,) = yield from asks(asked)
    return (branch,) if branch.text else ()


def twice(asked: Asked) -> Flow[tuple[Branch, ...]]:
    replies: list[Reply] = []
    for _ in range(2):
        replies += yield [Complete((Message("user", asked.text),))]
    return (Branch("bm25+said", str(len(replies)), asked.depth),)


METHODS = {
    "one": Method(adds("bm25+one"), asks=False),
    "same": Method(adds("bm25+one"), asks=False),
    "own": Method(adds("dense"), asks=False),
    "asking": Method(asks),
    "twice": Method(twice),
}


class World:
    """A store and a model that count how often they are asked."""

    def __init__(self, llm: LLM | None = None) -> None:
        self.llm = llm or ScriptedLLM(complete=lambda _: "said")
        self.searches: list[Search] = []
        self.opened = 0
        self.corpus = "first"
        self.cache = ExpansionCache()

    async def search(self, request: Search) -> Searched:
        self.searches.append(request)
        return FOUND

    async def open(self) -> LLM:
        self.opened += 1
        return self.llm

    async def holds(self) -> tuple[str, float]:
        return self.corpus, 10.0

    def expander(self, methods: Mapping[str, Method] = METHODS) -> Expander:
        return Expander(methods, self.open, Bm25Encoder(), self.holds, self.cache)

    def expanded(self, *names: str, text: str = TEXT, **more: object) -> Plan:
        return asyncio.run(expand(planned(*names, text=text, **more), self.expander(), self.search))


def planned(*names: str, text: str = TEXT, **more: object) -> Plan:
    handling = replace(Handling(expand=names, calls=10, seconds=5.0), **more)  # type: ignore[arg-type]
    ways = Defaults("dbsf", 50, ("dbsf",), expansions=tuple(METHODS))
    return make_plan(Query(text, handling=handling), ways)


def stage(plan: Plan, name: str) -> Stage:
    return next(stage for stage in plan.trace if stage.name == f"expand {name}")


def test_what_added_nothing_is_asked_again() -> None:
    replies = iter(["", "said"])
    world = World(ScriptedLLM(complete=lambda _: next(replies)))
    methods = {**METHODS, "asking": Method(says_something)}
    for expected in ("nothing to add", "bm25+said: said", "bm25+said: said (kept)"):
        plan = asyncio.run(expand(planned("asking"), world.expander(methods), world.search))
        assert stage(plan, "asking").detail == expected


def test_without_expansions_the_plan_stays_as_it_is() -> None:
    world, plan = World(), planned()
    assert asyncio.run(expand(plan, world.expander(), world.search)) is plan


def test_branches_come_after_the_own_ones_and_the_trace_says_what_they_look_for() -> None:
    plan = World().expanded("one", "asking")
    assert [b.name for b in plan.branches] == ["bm25", "dense", "bm25+one", "bm25+said"]
    assert [b.text for b in plan.branches[:2]] == [TEXT, TEXT]
    assert stage(plan, "one").detail == f"bm25+one: {TEXT}!"
    assert stage(plan, "asking").detail == "bm25+said: said"
    assert stage(plan, "one").status == "ok"


def test_the_trace_says_what_an_expansion_cost_and_that_a_kept_one_costs_nothing() -> None:
    world = World()
    first = world.expanded("one", "asking")
    assert stage(first, "one").cost == Cost(searches=1)
    assert (stage(first, "asking").cost.calls, stage(first, "asking").cost.searches) == (1, 0)
    assert stage(world.expanded("one", "asking"), "asking").cost == Cost()


def test_the_question_that_stands_for_itself_is_expanded() -> None:
    plan = planned("one")
    plan = replace(plan, query=replace(plan.query, text="how cold is  it in 2020"))
    found = asyncio.run(expand(plan, World().expander(), World().search))
    assert [b.text for b in found.branches] == [TEXT, TEXT, "how cold is it in 2020!"]


def test_a_part_of_several_lines_is_shown_on_one() -> None:
    def quotes(asked: Asked) -> Flow[tuple[Branch, ...]]:
        yield [Search(asked.text, 3)]
        parts = (Part(asked.text, 5.0), Part("# A heading\n\nand its text"))
        return (Branch("bm25+quotes", asked.text, asked.depth, parts),)

    expander = World().expander({"one": Method(quotes, asks=False)})
    plan = asyncio.run(expand(planned("one"), expander, World().search))
    shown = f"bm25+quotes: 5 × “{TEXT}” + 1 × “# A heading and its text”"
    assert stage(plan, "one").detail == shown


def test_what_several_look_for_is_looked_for_once() -> None:
    world = World()
    plan = world.expanded("one", "same")
    assert world.searches == [Search(TEXT, 3)]
    assert [b.name for b in plan.branches] == ["bm25", "dense", "bm25+one"]


def test_an_expansion_never_takes_the_place_of_an_own_branch() -> None:
    plan = World().expanded("own")
    assert [(b.name, b.text) for b in plan.branches] == [("bm25", TEXT), ("dense", TEXT)]


def test_who_asks_no_model_needs_none() -> None:
    world = World()
    world.expanded("one")
    assert world.opened == 0


@pytest.mark.parametrize("text", ['the "cold chain" rule', "error ORA-00942", "word " * 26])
def test_a_gated_query_is_left_alone_with_the_reason(text: str) -> None:
    world = World()
    plan = world.expanded("one", "asking", text=text)
    assert [b.name for b in plan.branches] == ["bm25", "dense"]
    assert {stage(plan, name).status for name in ("one", "asking")} == {"skipped"}
    assert stage(plan, "one").detail
    assert (world.opened, world.searches) == (0, [])


def test_a_model_that_cannot_be_had_costs_its_branches_only() -> None:
    class Dead(ScriptedLLM):
        async def complete(self, requests: object) -> tuple[Completed, ...]:
            del requests
            raise LLMUnavailable("the server is gone: start it")

    plan = World(Dead()).expanded("asking", "one")
    assert [b.name for b in plan.branches] == ["bm25", "dense", "bm25+one"]
    assert stage(plan, "asking").status == "failed"
    assert stage(plan, "asking").detail == "the server is gone: start it"


def test_a_store_that_fails_costs_the_branches_that_needed_it() -> None:
    async def broken(request: Search) -> Searched:
        del request
        raise StoreUnavailable("no store")

    world = World()
    plan = asyncio.run(expand(planned("one", "same", "asking"), world.expander(), broken))
    assert [b.name for b in plan.branches] == ["bm25", "dense", "bm25+said"]
    assert stage(plan, "one").detail == stage(plan, "same").detail == "no store"


def test_a_slow_model_is_left_behind_in_time() -> None:
    class Slow(ScriptedLLM):
        async def complete(self, requests: object) -> tuple[Completed, ...]:
            del requests
            await asyncio.sleep(30)
            return ()

    began = time.monotonic()
    plan = World(Slow()).expanded("asking", "one", seconds=0.2)
    assert time.monotonic() - began < 15
    assert stage(plan, "asking").status == "cut short"
    assert "0.2 s" in stage(plan, "asking").detail
    assert [b.name for b in plan.branches] == ["bm25", "dense", "bm25+one"]


def test_a_model_that_takes_long_to_load_is_left_behind_too() -> None:
    world = World()

    async def loading() -> LLM:
        await asyncio.sleep(30)
        return world.llm

    expander = replace(world.expander(), llm=loading)
    plan = asyncio.run(expand(planned("asking", seconds=0.1), expander, world.search))
    assert stage(plan, "asking").status == "cut short"


def test_the_calls_are_shared_out_between_those_who_ask() -> None:
    assert World().expanded("twice", calls=2).branches[-1].text == "2"
    plan = World().expanded("twice", "asking", calls=2)
    assert stage(plan, "twice").status == "cut short"
    assert stage(plan, "asking").status == "ok"


def test_what_was_made_is_kept_until_something_it_depends_on_changes() -> None:
    llm = ScriptedLLM(complete=lambda _: "said")
    world = World(llm)
    first = world.expanded("asking")
    again = world.expanded("asking", text=TEXT.upper())
    assert again.branches[2:] == first.branches[2:]
    assert stage(again, "asking").detail.endswith("(kept)")
    assert len(llm.history) == 1
    world.corpus = "second"
    world.expanded("asking")
    assert len(llm.history) == 2
    handling = planned("asking").query.handled
    ways = Defaults("dbsf", 50, ("dbsf",), expansions=tuple(METHODS))
    others = [
        Query(TEXT, tenant="other"),
        Query(TEXT, principals=()),
        Query(TEXT, principals=("a",)),
        Query(TEXT, as_of="2024"),
    ]
    for asked, other in enumerate(others, start=3):
        plan = make_plan(replace(other, handling=handling), ways)
        asyncio.run(expand(plan, world.expander(), world.search))
        assert len(llm.history) == asked


def test_a_failure_is_not_kept() -> None:
    replies = iter([LLMUnavailable("busy"), "said"])

    class Recovering(ScriptedLLM):
        async def complete(self, requests: object) -> tuple[Completed, ...]:
            del requests
            reply = next(replies)
            if isinstance(reply, LLMUnavailable):
                raise reply
            return (Completed(str(reply), 1),)

    world = World(Recovering())
    assert stage(world.expanded("asking"), "asking").status == "failed"
    assert stage(world.expanded("asking"), "asking").status == "ok"


def test_the_cache_forgets_what_was_not_used_for_longest() -> None:
    cache = ExpansionCache(2)
    for key in ("a", "b"):
        cache.put(key, (Branch("bm25+x", key, 1),))
    cache.get("a")
    cache.put("c", ())
    assert cache.get("b") is None
    assert cache.get("a") == (Branch("bm25+x", "a", 1),)
    assert cache.get("c") == ()
