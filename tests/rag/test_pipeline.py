"""The query path's face: typed results, our errors unwrapped, others as they are."""

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace

import pytest
from haystack.core.errors import PipelineRuntimeError
from haystack.telemetry import _telemetry

from indexers.encoders.bm25 import Bm25Encoder
from indexers.encoders.hashed import HashedEncoder
from indexers.stores.exact import ExactStore
from rag.abstain import Floor
from rag.answering.answering import quoting
from rag.components import write
from rag.errors import BadQuery, StoreUnavailable
from rag.fuse import FUSIONS
from rag.packing import Packing
from rag.parts import Parts
from rag.pipeline import QueryPath
from rag.plan import Defaults
from rag.quoting.choosing import Limits
from rag.seams import CollectionSpec
from rag.values import Access, Chunk, Context, Lookup, Point, Query, Ranking, Told

TEXT = "The freezer holds thirty six hours."


class BrokenStore(ExactStore):
    """Fails with the given error."""

    def __init__(self, spec: CollectionSpec, error: Exception) -> None:
        super().__init__(spec)
        self._error = error

    async def find(self, lookup: Lookup) -> Mapping[str, Ranking]:
        del lookup
        raise self._error


class ForgetfulStore(ExactStore):
    """Finds, and is gone when the text is fetched."""

    async def get(self, chunk_ids: Sequence[str], access: Access | None) -> tuple[Chunk, ...]:
        del chunk_ids, access
        raise StoreUnavailable("the store is gone: start it")


class StuckStore(ExactStore):
    """Never answers; notes when it is left."""

    left = False

    async def find(self, lookup: Lookup) -> Mapping[str, Ranking]:
        del lookup
        try:
            await asyncio.sleep(60)
        finally:
            self.left = True
        return {}


class Silent:
    """A generator that breaks its contract: text, and no answer."""

    async def answer(self, context: Context) -> AsyncGenerator[Told, None]:
        del context
        yield "words"


class Refusing:
    """A generator that fails after its first words."""

    async def answer(self, context: Context) -> AsyncGenerator[Told, None]:
        del context
        yield "words"
        raise StoreUnavailable("gone: start it")


SPEC = CollectionSpec("hashed", "hashed/64", 64, "bm25", "none")


async def parts(store: ExactStore) -> Parts:
    encoder, sparse = HashedEncoder(), Bm25Encoder()
    vector = (await encoder.encode([TEXT], "document"))[0]
    chunk = Chunk("c", "d", TEXT, 0, len(TEXT))
    await store.put([Point(chunk, vector, sparse.document(TEXT, 4.0), sparse.length(TEXT))])
    return Parts(
        encoder=encoder,
        sparse=sparse,
        store=store,
        generator=quoting(encoder, Floor(0.2), Limits(3)),
        defaults=Defaults("rrf", 100, tuple(FUSIONS)),
        fusions=FUSIONS,
        weights={},
        packing=Packing(5),
    )


@pytest.mark.anyio
async def test_a_search_gives_results_and_an_answer_is_cited() -> None:
    path = QueryPath(await parts(ExactStore(SPEC)))
    results = await path.search(Query("freezer"))
    assert [candidate.chunk.text for candidate in results.candidates] == [TEXT]
    answer = await path.answer(Query("What holds the freezer?"))
    assert answer.text == TEXT


@pytest.mark.anyio
async def test_the_trace_names_every_stage_with_its_time() -> None:
    path = QueryPath(await parts(ExactStore(SPEC)))
    stages = ["plan", "find", "fuse", "fetch", "pack", "generate"]
    answer = await path.answer(Query("freezer"))
    assert [stage.name for stage in answer.trace] == stages
    assert all(0 < stage.ms < 10_000 for stage in answer.trace)
    assert {stage.status for stage in answer.trace} == {"ok"}
    results = await path.search(Query("freezer"))
    assert [stage.name for stage in results.trace] == stages[:4]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "query", [Query(" "), Query("x", k=0), Query("x", branches=("no",)), Query("x", fusion="no")]
)
async def test_a_bad_query_comes_out_as_itself(query: Query) -> None:
    path = QueryPath(await parts(ExactStore(SPEC)))
    for call in (path.search, path.answer):
        with pytest.raises(BadQuery) as caught:
            await call(query)
        assert caught.value.__suppress_context__  # no framework in the traceback


@pytest.mark.anyio
async def test_a_store_that_fails_comes_out_as_itself_and_the_path_survives() -> None:
    broken = QueryPath(await parts(BrokenStore(SPEC, StoreUnavailable("gone: start it"))))
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="gone: start it"):
            await broken.search(Query("freezer"))
    forgetful = QueryPath(await parts(ForgetfulStore(SPEC)))
    with pytest.raises(StoreUnavailable, match="the store is gone"):
        await forgetful.answer(Query("freezer"))


@pytest.mark.anyio
async def test_a_generator_that_fails_comes_out_as_itself() -> None:
    mine = replace(await parts(ExactStore(SPEC)), generator=Refusing())
    with pytest.raises(StoreUnavailable, match="gone: start it"):
        await QueryPath(mine).answer(Query("freezer"))


@pytest.mark.anyio
async def test_a_fault_of_ours_stays_a_fault_and_keeps_its_cause() -> None:
    broken = QueryPath(await parts(BrokenStore(SPEC, ZeroDivisionError("a bug"))))
    with pytest.raises(PipelineRuntimeError) as caught:
        await broken.search(Query("freezer"))
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.anyio
async def test_one_bad_query_does_not_disturb_those_beside_it() -> None:
    path = QueryPath(await parts(ExactStore(SPEC)))
    queries = [Query("freezer", k=k) for k in (1, 0, 2, -1, 3)]
    outcomes = await asyncio.gather(*map(path.search, queries), return_exceptions=True)
    assert [type(outcome).__name__ for outcome in outcomes] == [
        "Results",
        "BadQuery",
        "Results",
        "BadQuery",
        "Results",
    ]


@pytest.mark.anyio
async def test_giving_up_reaches_the_store() -> None:
    store = StuckStore(SPEC)
    path = QueryPath(await parts(store))
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(path.search(Query("freezer")), 0.05)
    assert store.left


@pytest.mark.anyio
async def test_a_generator_without_an_answer_is_a_fault() -> None:
    with pytest.raises(RuntimeError, match="Silent ended without an answer"):
        await write(Context(Query("q"), ()), Silent())


@pytest.mark.anyio
async def test_an_empty_collection_is_searched_and_declined() -> None:
    mine = replace(await parts(ExactStore(SPEC)), store=ExactStore(SPEC))
    path = QueryPath(mine)
    assert (await path.search(Query("freezer"))).candidates == ()
    assert (await path.answer(Query("freezer"))).reason == "nothing was found to quote from"


def test_haystacks_telemetry_is_off() -> None:
    assert os.environ["HAYSTACK_TELEMETRY_ENABLED"] == "False"
    assert _telemetry.telemetry is None  # what every event would go through
