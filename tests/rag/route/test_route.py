"""The stage: a question is routed before it is searched for, and who cannot tell searches."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from indexers.encoders.hashed import HashedEncoder
from rag.errors import LLMUnavailable, StoreUnavailable
from rag.flows import Flow
from rag.llms.scripted import ScriptedLLM
from rag.route.methods import Method, by_classifier, by_neighbours, routers
from rag.route.neighbours import Neighbours
from rag.route.route import Routers, route, unsearched
from rag.route.routes import Kind, Route, Routed
from rag.seams import LLM
from rag.values import (
    Branch,
    Candidate,
    Chunk,
    Complete,
    Completed,
    Handling,
    Message,
    Plan,
    Query,
    Search,
    Searched,
    Stage,
)
from tests.rag.route.test_claims import ANSWER, DIRECTOR, QUESTION, YEAR, model
from tests.rag.route.test_classifier import likely

HANDLED = Handling(expand=("rm3",), iterate="decompose", seconds=5.0)
SEVERAL = "Who is older, Ada Lovelace or Charles Babbage?"
ONE = "How long does the freezer stay cold?"


class Store:
    """Finds two chunks with these scores, and notes what it was asked."""

    def __init__(self, scores: Sequence[float] = (0.9, 0.2)) -> None:
        self.asked: list[Search] = []
        self._scores = scores

    async def __call__(self, request: Search) -> Searched:
        self.asked.append(request)
        chunk = Chunk("a", "doc", "text", 0, 4)
        return Searched(tuple(Candidate(chunk, score, {}) for score in self._scores))


def plan(question: str, handling: Handling) -> Plan:
    kinds = (Branch("bm25", question, 50), Branch("dense", question, 50))
    return Plan(Query(question, handling=handling), kinds, "dbsf", (Stage("plan", 0.0),))


def routed(
    question: str,
    name: str,
    methods: Mapping[str, Method],
    *,
    llm: LLM | None = None,
    store: Callable[[Search], Awaitable[Searched]] | None = None,
    handling: Handling = HANDLED,
) -> tuple[Plan, Mapping[str, Stage]]:
    async def opened() -> LLM:
        if llm is None:
            raise LLMUnavailable("there is none")
        return llm

    before = plan(question, replace(handling, route=name))
    made = asyncio.run(route(before, Routers(methods, opened, HashedEncoder()), store or Store()))
    assert made.trace[0] == before.trace[0]
    return made, {stage.name: stage for stage in made.trace}


def says(kind: Kind) -> Method:
    def router(question: str) -> Flow[Routed]:
        del question
        yield from ()
        return Routed(Route(kind, "classifier", "it said so"))

    return Method(router)


def fails(question: str) -> Flow[Routed]:
    yield [Complete((Message("user", question),))]
    raise AssertionError("a reply came")


def test_without_a_router_the_plan_stays_the_very_same() -> None:
    before = plan("hello", HANDLED)
    methods = Routers({}, lambda: asyncio.sleep(0, ScriptedLLM()), HashedEncoder())
    assert asyncio.run(route(before, methods, Store())) is before


def test_what_needs_no_search_is_not_searched_for_and_the_trace_says_why() -> None:
    made, trace = routed("Hello!", "rules", routers())
    assert made.branches == ()
    assert (made.query.handled.expand, made.query.handled.iterate) == ((), "")
    assert trace["route"].detail == "A by rules: a greeting"
    assert unsearched(made.trace) == "no search is needed: a greeting"


def test_what_needs_one_search_is_not_searched_in_steps() -> None:
    made, trace = routed(ONE, "rules", routers())
    assert [branch.name for branch in made.branches] == ["bm25", "dense"]
    assert (made.query.handled.expand, made.query.handled.iterate) == (("rm3",), "")
    assert trace["route"].detail == "B by default: no rule speaks"
    assert trace["iterate decompose"].status == "skipped"
    assert unsearched(made.trace) == ""


def test_what_needs_several_steps_stays_as_it_was() -> None:
    made, trace = routed(SEVERAL, "rules", routers())
    assert made.query.handled.iterate == "decompose"
    assert len(made.branches) == 2
    assert trace["route"].detail == "C by rules: it chooses between two things"


@pytest.mark.parametrize("name", ["rules", "claims"])
def test_what_the_rules_know_costs_nothing_whoever_routes(name: str) -> None:
    store, no_time = Store(), replace(HANDLED, calls=0, seconds=0.0)
    made, trace = routed("thanks!", name, routers(), store=store, handling=no_time)
    assert unsearched(made.trace) == "no search is needed: thanks"
    assert (trace["route"].status, store.asked) == ("ok", [])


@pytest.mark.parametrize(
    ("fusion", "scores", "searches"), [("", (), 0), ("dbsf", (0.9, 0.2), 1), ("dbsf", (), 1)]
)
def test_a_classifier_searches_only_where_it_was_trained_with_scores(
    fusion: str, scores: Sequence[float], searches: int
) -> None:
    store = Store(scores)
    model = replace(likely(0.05, 0.05, 0.9), fusion=fusion)
    known = {"classifier": Method(partial(by_classifier, model))}
    made, trace = routed(ONE, "classifier", known, store=store)
    assert made.query.handled.iterate == "decompose"
    assert trace["route"].detail == "C by classifier: C has 0.90"
    assert (len(store.asked), trace["route"].cost.searches) == (searches, searches)


def test_a_classifier_hears_the_scores_of_the_first_search() -> None:
    model = replace(
        likely(0.2, 0.2, 0.6),
        features=("top_score",),
        means=(0.5,),
        scales=(0.1,),
        weights=((0.0,), (9.0,), (-9.0,)),
        fusion="dbsf",
    )
    known = {"classifier": Method(partial(by_classifier, model))}
    assert routed(ONE, "classifier", known, store=Store((0.9,)))[1]["route"].detail[0] == "B"
    assert routed(ONE, "classifier", known, store=Store((0.1,)))[1]["route"].detail[0] == "C"


def test_neighbours_are_asked_with_the_vector_of_the_question() -> None:
    texts = ["what is two and two", "how long does the freezer stay cold", "who moved the freezer"]
    vectors = asyncio.run(HashedEncoder().encode(texts, "query"))
    log = Neighbours(vectors, np.array([-1, 1, 1]))
    known = {"neighbours": Method(partial(by_neighbours, log))}
    assert routed(ONE, "neighbours", known)[1]["route"].detail.startswith("B by neighbours: ")
    harmful = Neighbours(vectors, np.array([-1, -1, -1]))
    made, _ = routed(ONE, "neighbours", {"neighbours": Method(partial(by_neighbours, harmful))})
    assert unsearched(made.trace).startswith("no search is needed: -3 of the 3 nearest")


def test_a_claim_that_is_not_known_becomes_branches_beside_the_questions_own() -> None:
    made, trace = routed(QUESTION, "claims", routers(), llm=model())
    own, further = made.branches[:2], made.branches[2:]
    assert [branch.name for branch in own] == ["bm25", "dense"]
    assert [(b.name, b.text, b.depth, b.weight) for b in further] == [
        ("bm25+claim-1", DIRECTOR, 50, 0.5),
        ("dense+claim-1", DIRECTOR, 50, 0.5),
        ("bm25+claim-2", YEAR, 50, 0.5),
        ("dense+claim-2", YEAR, 50, 0.5),
    ]
    assert trace["route"].detail.startswith("B by claims: the model is unsure of its answer")
    assert trace["route"].cost.calls == 5
    assert made.query.handled.iterate == ""


def test_claims_look_in_the_kinds_that_the_query_looks_in() -> None:
    async def opened() -> LLM:
        return model(known={"Jaws was released in 1975.": 0.9})

    before = plan(QUESTION, replace(HANDLED, route="claims"))
    lexical = replace(before, branches=before.branches[:1])
    made = asyncio.run(route(lexical, Routers(routers(), opened, HashedEncoder()), Store()))
    assert [branch.name for branch in made.branches] == ["bm25", "bm25+claim-1"]
    assert made.branches[1].weight == 1.0


def test_an_answer_that_the_model_knows_needs_no_search() -> None:
    made, _ = routed(QUESTION, "claims", routers(), llm=model(known={ANSWER: 0.9}))
    assert made.branches == ()
    assert unsearched(made.trace) == "no search is needed: the model knows the answer (0.90)"


def test_the_question_itself_is_searched_for_once() -> None:
    made, _ = routed(QUESTION, "claims", routers(), llm=model(answer="I don't know."))
    assert [branch.name for branch in made.branches] == ["bm25", "dense"]


def test_a_model_that_is_not_there_means_one_search() -> None:
    made, trace = routed(ONE, "claims", routers())
    assert len(made.branches) == 2
    assert made.query.handled.iterate == ""
    assert trace["route"].status == "failed"
    assert trace["route"].detail == "B by default: the router gave no answer (there is none)"


def test_calls_that_run_out_leave_what_the_router_has() -> None:
    few = replace(HANDLED, calls=3)
    made, trace = routed(QUESTION, "claims", routers(), llm=model(), handling=few)
    assert [branch.text for branch in made.branches[2::2]] == [DIRECTOR, YEAR]
    assert trace["route"].status == "cut short"
    assert "its budget is 3" in trace["route"].detail
    none = replace(HANDLED, calls=0)
    made, trace = routed(QUESTION, "claims", routers(), llm=model(), handling=none)
    assert len(made.branches) == 2
    assert trace["route"].status == "cut short"


def test_a_slow_model_is_left_behind_in_time() -> None:
    class Slow(ScriptedLLM):
        async def complete(self, requests: object) -> tuple[Completed, ...]:
            del requests
            await asyncio.sleep(30)
            return ()

    began = time.monotonic()
    hasty = replace(HANDLED, seconds=0.2)
    for methods, name in ((routers(), "claims"), ({"own": Method(fails, asks=True)}, "own")):
        made, trace = routed(ONE, name, methods, llm=Slow(), handling=hasty)
        assert len(made.branches) == 2
        assert trace["route"].status == "cut short"
        assert trace["route"].detail.startswith("B by default: ")
    assert time.monotonic() - began < 5


def test_a_store_that_fails_means_one_search() -> None:
    async def broken(request: Search) -> Searched:
        raise StoreUnavailable(f"gone at {request.text}")

    model = replace(likely(0.98, 0.01, 0.01), fusion="dbsf")
    known = {"classifier": Method(partial(by_classifier, model))}
    made, trace = routed(ONE, "classifier", known, store=broken)
    assert len(made.branches) == 2
    assert trace["route"].status == "failed"


def test_a_vector_of_another_length_means_one_search() -> None:
    log = Neighbours(np.eye(3, dtype=np.float32), np.array([-1, -1, -1]))
    known = {"neighbours": Method(partial(by_neighbours, log))}
    made, trace = routed(ONE, "neighbours", known)
    assert len(made.branches) == 2
    assert (trace["route"].status, trace["route"].detail[:12]) == ("failed", "B by default")


@pytest.mark.parametrize("kind", ["A", "B", "C"])
def test_the_trace_tells_kind_router_and_reason(kind: Kind) -> None:
    _, trace = routed(ONE, "own", {"own": says(kind)})
    assert trace["route"].detail == f"{kind} by classifier: it said so"
    assert 0 <= trace["route"].ms < math.inf
