"""A collection copied from any store to any other is the same, however often it is ended."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexers.migrating import migrate
from indexers.stores.edge import create_edge
from indexers.stores.exact import ExactStore
from indexers.stores.server import connect, create_collection
from rag.errors import CollectionMismatch, StoreUnavailable
from rag.seams import CollectionSpec, Store
from rag.sections import StoreSettings
from rag.values import DocumentRecord, Point
from tests.indexers.runs import SPEC, run
from tests.seams.points import point

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant"),
]
BUILT = replace(SPEC, dimension=4, mean_length=2.5, chunks=30, terms=75)
BEGUN = replace(BUILT, settled=False)


def silent(_stage: str, _done: int, _total: int) -> None:
    pass


async def filled(store: Store, chunks: int = 30) -> Store:
    """Put documents of three chunks each, of two tenants, and their records."""
    dice = np.random.default_rng(0)
    points = [
        point(
            n,
            {int(term): float(dice.uniform(0.1, 2)) for term in dice.permutation(20)[: n % 4]},
            dice.normal(size=4).tolist(),
            document_id=f"d{n // 3}",
            tenant=f"t{n // 3 % 2}",
            metadata={"n": n, "half": n / 2, "list": [n, {"x": None}]},
        )
        for n in range(chunks)
    ]
    await store.put(points)
    await store.record(
        [
            DocumentRecord(f"d{n}", "digest", tenant=f"t{n % 2}", chunks=3, pages=(0, 5))
            for n in range((chunks + 2) // 3)
        ]
    )
    await store.stamp(BUILT)
    return store


async def contents(store: Store) -> tuple[list[Point], list[DocumentRecord], CollectionSpec]:
    points = [found async for page in store.scan() for found in page]
    records = [record async for page in store.survey() for record in page]
    return points, records, await store.info()


def assert_equal(
    one: tuple[list[Point], list[DocumentRecord], CollectionSpec],
    other: tuple[list[Point], list[DocumentRecord], CollectionSpec],
) -> None:
    assert one[1:] == other[1:]
    assert [(p.chunk, p.length) for p in one[0]] == [(p.chunk, p.length) for p in other[0]]
    for mine, theirs in zip(one[0], other[0], strict=True):
        assert mine.sparse.indices == theirs.sparse.indices
        weights = [np.asarray(p.sparse.values, np.float32).tolist() for p in (mine, theirs)]
        assert weights[0] == weights[1]
        assert theirs.dense == pytest.approx(mine.dense, abs=1e-6)


async def test_from_store_to_store_every_point_and_record_stays_what_it_was(tmp_path: Path) -> None:
    exact = await filled(ExactStore(BUILT))
    memory = connect(StoreSettings(url=":memory:"))
    stores: list[Store] = [
        exact,
        create_edge(tmp_path / "a", BEGUN),
        await create_collection(memory, "c", BEGUN),
        create_edge(tmp_path / "b", BEGUN),
    ]
    first = await contents(exact)
    for source, target in itertools.pairwise(stores):
        done = await migrate(source, target, silent)
        assert (done.chunks, done.sent, done.records, done.compared) == (30, 30, 10, 30)
        assert_equal(first, await contents(target))
    for store in stores:
        await store.close()


class Failing(ExactStore):
    """Fails at the write of that number, once, with half of it done."""

    def __init__(self, spec: CollectionSpec, at: int) -> None:
        super().__init__(spec)
        self.left = at
        self.sent = 0

    async def put(self, points: Sequence[Point]) -> None:
        self.left -= 1
        self.sent += len(points)
        await super().put(points[: len(points) // 2] if self.left == 0 else points)
        self.fail()

    async def record(self, records: Sequence[DocumentRecord]) -> None:
        self.left -= 1
        await super().record(records[: len(records) // 2] if self.left == 0 else records)
        self.fail()

    async def stamp(self, spec: CollectionSpec) -> None:
        self.left -= 1
        self.fail()
        await super().stamp(spec)

    def fail(self) -> None:
        if self.left == 0:
            raise StoreUnavailable("told to fail")


SOURCES = {n: asyncio.run(filled(ExactStore(BUILT), n)) for n in (0, 7, 1_100)}  # 0, 1, 2 pages


@given(st.integers(1, 8), st.sampled_from(sorted(SOURCES)))
@settings(max_examples=12, deadline=None)
def test_a_copy_that_was_ended_anywhere_goes_on_where_it_was(at: int, chunks: int) -> None:
    async def both() -> None:
        source = SOURCES[chunks]
        target = Failing(BEGUN, at)
        try:
            await migrate(source, target, silent)
        except StoreUnavailable:
            assert not (await target.info()).settled
            before = target.sent
            held = await target.count()
            done = await migrate(source, target, silent)
            assert done.sent == target.sent - before == chunks - held
        assert_equal(await contents(source), await contents(target))

    asyncio.run(both())


async def test_a_second_run_sends_nothing_and_tells_how_far_it_is() -> None:
    source, target = await filled(ExactStore(BUILT)), ExactStore(BEGUN)
    await migrate(source, target, silent)
    told: list[tuple[str, int, int]] = []
    done = await migrate(source, target, lambda *said: told.append(said))
    assert (done.sent, done.chunks, done.compared) == (0, 30, 30)
    assert told[:2] == [("copying chunks", 0, 30), ("copying chunks", 30, 30)]
    assert told[-1] == ("comparing documents", 10, 10)


async def test_while_something_is_mended_in_a_copy_it_does_not_say_that_it_is_one() -> None:
    source, target = await filled(ExactStore(BUILT)), Failing(BEGUN, 0)
    await migrate(source, target, silent)
    assert (await target.info()).settled
    await target.remove([(await contents(source))[0][4].chunk.id])
    target.left = 2
    with pytest.raises(StoreUnavailable):
        await migrate(source, target, silent)
    assert not (await target.info()).settled
    assert (await migrate(source, target, silent)).sent == 1
    assert_equal(await contents(source), await contents(target))


@pytest.mark.parametrize(
    "other",
    [
        replace(BUILT, encoder_fingerprint="another"),
        replace(BUILT, splitter="another"),
        replace(BEGUN, mean_length=2.0),
        replace(BUILT, chunks=31),
    ],
    ids=["encoder", "splitter", "mean length", "chunks"],
)
async def test_what_holds_another_collection_is_refused_and_left_alone(
    other: CollectionSpec,
) -> None:
    source, target = await filled(ExactStore(BUILT)), ExactStore(other)
    with pytest.raises(CollectionMismatch, match="--replace"):
        await migrate(source, target, silent)
    assert await target.count() == 0
    assert await target.info() == other


class Changing(ExactStore):
    """Keeps one chunk otherwise than it was put."""

    def __init__(self, kind: str) -> None:
        super().__init__(BEGUN)
        self.kind = kind

    async def put(self, points: Sequence[Point]) -> None:
        first, *rest = points
        changed = {
            "vector": replace(first, dense=np.roll(first.dense, 1)),
            "weights": replace(first, sparse=replace(points[1].sparse)),
            "length": replace(first, length=99),
            "extra": first,
        }[self.kind]
        extra = [point(99, {1: 1.0})] if self.kind == "extra" else []
        await super().put([changed, *rest, *extra])


@pytest.mark.parametrize("kind", ["vector", "weights", "length", "extra"])
async def test_a_copy_that_is_none_is_found_out_and_stays_unsettled(kind: str) -> None:
    source, target = await filled(ExactStore(BUILT)), Changing(kind)
    with pytest.raises(CollectionMismatch, match="the copy is not what the source holds"):
        await migrate(source, target, silent)
    assert not (await target.info()).settled


async def test_what_a_run_left_half_done_is_copied_as_that() -> None:
    source = await filled(ExactStore(BUILT))
    await source.stamp(BEGUN)
    await source.record([DocumentRecord("half", state="written", adding=("x",))])
    target = ExactStore(BEGUN)
    await migrate(source, target, silent)
    assert_equal(await contents(source), await contents(target))
    report = await run(target, [])
    assert report.finished == 1
