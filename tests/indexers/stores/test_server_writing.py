"""Writes to a server that fails, stalls and loses answers: nothing lost, nothing doubled."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexers.stores.server import ServerStore, connect
from indexers.stores.server_batches import batches
from rag.errors import StoreUnavailable
from rag.sections import Secret, StoreSettings
from rag.values import DocumentRecord
from tests.indexers.stores.faulty import Act, FaultyQdrant, Refused, serving
from tests.seams.points import id_of, point, sparse

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def store_on(
    fake: FaultyQdrant,
    *,
    retries: int = 3,
    concurrency: int = 4,
    timeout_s: float = 5.0,
    long_timeout_s: float = 5.0,
    optimize_s: float = 0.0,
) -> AsyncIterator[ServerStore]:
    async with serving(fake) as url:
        chosen = StoreSettings(
            url=url,
            grpc=False,
            retries=retries,
            concurrency=concurrency,
            timeout_s=timeout_s,
            long_timeout_s=long_timeout_s,
            optimize_s=optimize_s,
        )
        store = ServerStore(connect(chosen, 0.001), "c")
        try:
            yield store
        finally:
            await store.close()


sizes = st.lists(st.integers(0, 12))


@given(sizes, st.integers(1, 5), st.integers(1, 20))
def test_batches_hold_everything_in_order_and_are_as_full_as_they_may_be(
    sizes: list[int], most: int, most_bytes: int
) -> None:
    things = list(enumerate(sizes))
    made = list(batches(((thing, thing[1]) for thing in things), most, most_bytes))
    assert list(itertools.chain(*made)) == things
    for batch in made:
        assert 1 <= len(batch) <= most
        assert len(batch) == 1 or sum(size for _, size in batch) <= most_bytes
    for before, after in itertools.pairwise(made):
        total = sum(size for _, size in before) + after[0][1]
        assert len(before) == most or total > most_bytes


FAULTS: Sequence[Act] = ("ok", "drop", "lost", "taken", Refused(503), Refused(429), Refused(500))
steps = st.lists(
    st.tuples(st.sampled_from(["put", "remove", "reweigh", "drop"]), st.integers(0, 3)), max_size=6
)


@given(steps, st.lists(st.sampled_from(FAULTS), max_size=12))
@settings(max_examples=6, deadline=None)
def test_whatever_fails_for_a_while_the_end_is_as_if_nothing_had(
    steps: list[tuple[str, int]], acts: list[Act]
) -> None:
    async def run() -> None:
        fake = FaultyQdrant(list(acts))
        async with store_on(fake, retries=20, concurrency=2) as store:
            await _do(store, fake, steps)
            after_faults, fake.points, fake.acts = fake.points, {}, []
            await _do(store, fake, steps)
        assert after_faults == fake.points

    asyncio.run(run())


async def _do(store: ServerStore, fake: FaultyQdrant, steps: list[tuple[str, int]]) -> None:
    await store.put([point(n, {n: 1.0}, document_id=f"d{n % 2}") for n in range(1, 4)])
    for number, (what, n) in enumerate(steps):
        ids = [id_of(m) for m in range(n, n + 2)]
        match what:
            case "put":
                await store.put([point(m, {number + 1: 1.0}) for m in (n, n + 1)])
            case "remove":
                await store.remove(ids)
            case "reweigh":
                there = [id_ for id_ in ids if id_ in fake.points]
                await store.reweigh(dict.fromkeys(there, sparse({number + 7: 2.0})))
            case _:
                await store.drop("default", [f"d{n % 2}", f"document {n}"])


async def test_a_put_of_many_points_arrives_whole_through_faults_and_never_too_much_at_a_time() -> (
    None
):
    acts: list[Act] = [Refused(503), "drop", "lost", "ok", Refused(500), "taken", Refused(502)]
    fake = FaultyQdrant(acts, delay_s=0.01)
    async with store_on(fake, concurrency=3) as store:
        await store.put([point(n, {1: 1.0}) for n in range(1, 1_501)])
    assert sorted(fake.points) == [id_of(n) for n in range(1, 1_501)]
    assert fake.most_under_way == 3
    assert len(fake.seen) == 6 + 6  # six batches; all acts but "ok" were tried again


async def test_long_texts_go_in_several_requests_and_one_that_is_longer_alone() -> None:
    fake = FaultyQdrant()
    texts = dict.fromkeys(range(1, 5), "x" * 1_500_000) | {5: "y" * 6_000_000}
    async with store_on(fake) as store:
        await store.put([point(n, {}, text=text) for n, text in texts.items()])
        await store.record([DocumentRecord("d", title="z" * 3_000_000), DocumentRecord("e")])
    assert len(fake.points) == 7
    assert max(fake.sizes) < 8_000_000
    assert len(fake.sizes) == 4


async def test_the_last_of_two_points_of_one_id_counts_also_where_the_first_comes_later() -> None:
    fake = FaultyQdrant([Refused(503, retry_after="0.1")])
    many = [point(n, {}) for n in range(2, 600)]
    async with store_on(fake) as store:
        await store.put([point(1, {}, text="first"), *many, point(1, {}, text="second")])
        records = [DocumentRecord("d", title="first"), DocumentRecord("d", title="second")]
        await store.record(records)
    assert fake.points[id_of(1)]["payload"]["text"] == "second"
    titles = [row["payload"].get("record", {}).get("title") for row in fake.points.values()]
    assert "first" not in titles
    assert "second" in titles


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_what_may_pass_is_tried_again_as_often_as_set(status: int) -> None:
    fake = FaultyQdrant([Refused(status)] * 3)
    async with store_on(fake, retries=2) as store:
        with pytest.raises(StoreUnavailable, match=rf"\(tried 3×\): {status}: .*told to fail"):
            await store.put([point(1, {})])
    assert len(fake.seen) == 3


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (400, "told to fail"),
        (401, r"Set store\.api_key"),
        (403, r"Set store\.api_key"),
        (404, "Was the collection dropped"),
        (413, r"max_request_size_mb"),
    ],
)
async def test_what_will_not_pass_is_tried_once_and_names_the_remedy(
    status: int, remedy: str
) -> None:
    fake = FaultyQdrant([Refused(status)])
    async with store_on(fake) as store:
        with pytest.raises(StoreUnavailable, match=rf"Qdrant at http://127.*{status}: .*{remedy}"):
            await store.put([point(1, {})])
    assert len(fake.seen) == 1
    assert fake.points == {}


async def test_a_server_that_says_when_to_come_back_is_asked_no_sooner() -> None:
    fake = FaultyQdrant([Refused(503, retry_after="0.2")])
    began = asyncio.get_running_loop().time()
    async with store_on(fake) as store:
        await store.put([point(1, {})])
    assert asyncio.get_running_loop().time() - began >= 0.2
    assert len(fake.points) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_one_that_says_to_come_back_too_late_is_given_up(status: int) -> None:
    fake = FaultyQdrant([Refused(status, retry_after="3600")])
    async with store_on(fake) as store:
        with pytest.raises(StoreUnavailable, match=str(status)):
            await store.put([point(1, {})])
    assert len(fake.seen) == 1


async def test_an_answer_that_does_not_come_is_not_waited_for_longer_than_set() -> None:
    fake = FaultyQdrant(["stall"])
    async with store_on(fake, timeout_s=0.1) as store:
        await store.put([point(1, {})])
    assert len(fake.points) == 1
    fake.acts = ["stall", "stall"]
    async with store_on(fake, timeout_s=0.05, retries=1) as store:
        with pytest.raises(StoreUnavailable, match=r"no answer within 0\.05 s.*store\.timeout_s"):
            await store.put([point(2, {})])


async def test_after_a_failure_there_is_room_for_as_many_writes_as_before() -> None:
    fake = FaultyQdrant([Refused(400)] * 2, delay_s=0.01)
    async with store_on(fake, concurrency=2) as store:
        with pytest.raises(StoreUnavailable):
            await store.put([point(n, {}) for n in range(1, 1_500)])
        fake.acts, fake.most_under_way = [], 0
        await store.put([point(n, {}) for n in range(1, 800)])
    assert len(fake.points) == 799
    assert fake.most_under_way == 2


async def test_deleting_by_document_and_scanning_may_take_longer_than_the_rest() -> None:
    fake = FaultyQdrant()
    async with store_on(fake, timeout_s=0.1, retries=0) as store:
        await store.put([point(1, {}, document_id="a"), point(2, {}, document_id="b")])
        fake.delay_s = 0.15
        await store.drop("default", ["a"])
        assert [p.chunk.id async for page in store.scan() for p in page] == [id_of(2)]
        with pytest.raises(StoreUnavailable, match="no answer"):
            await store.put([point(3, {})])


async def test_pages_of_a_scan_are_longer_where_texts_are_short_and_shorter_where_long() -> None:
    fake = FaultyQdrant()
    async with store_on(fake) as store:
        await store.put([point(n, {1: 1.0}) for n in range(1, 700)])
        await store.put([point(n, {1: 1.0}, text="x" * 30_000) for n in range(100, 300)])
        scanned = [p.chunk.id async for page in store.scan() for p in page]
    assert scanned == [id_of(n) for n in range(1, 700)]
    assert fake.limits[:2] == [64, 256]
    assert min(fake.limits[2:]) < 500 < max(fake.limits)


async def test_optimising_waits_until_the_server_is_done_or_as_long_as_set() -> None:
    made = connect(StoreSettings(url=":memory:"))
    await made.client.create_collection("c", vectors_config={})
    described = await made.client.get_collection("c")
    await made.close()
    fake = FaultyQdrant(statuses=["yellow", "green"], info=described.model_dump(mode="json"))
    async with store_on(fake, optimize_s=5.0) as store:
        await store.optimize()
    assert len(fake.seen) == 2
    fake.statuses = ["yellow"]
    async with store_on(fake, optimize_s=0.05) as store:
        await store.optimize()
    fake.seen.clear()
    async with store_on(fake) as store:
        await store.optimize()
    assert fake.seen == []
    fake.statuses = ["red"]
    async with store_on(fake, optimize_s=5.0) as store:
        with pytest.raises(StoreUnavailable, match="cannot optimise 'c'"):
            await store.optimize()


@pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection")
async def test_the_key_is_sent_and_no_error_shows_it() -> None:
    fake = FaultyQdrant([Refused(401, says="who are you?")])
    async with serving(fake) as url:
        chosen = StoreSettings(url=url, grpc=False, api_key=Secret("hush-hush"))
        store = ServerStore(connect(chosen), "c")
        with pytest.raises(StoreUnavailable) as refused:
            await store.remove([id_of(1)])
        await store.close()
    assert fake.keys == {"hush-hush"}
    assert "hush" not in str(refused.value)
