"""Verification finds every kind of damage, and nothing where there is none."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexers.bulk import index
from indexers.stores.edge import create_edge
from indexers.stores.exact import ExactStore
from indexers.verifying import Problem, verify
from rag.seams import Store
from rag.values import Document, DocumentRecord, Point, SparseVector
from tests.indexers.lossless import by_line
from tests.indexers.runs import BM25, ENCODER, SPEC

pytestmark = pytest.mark.anyio

GUIDE = Document("guide", "\n# Guide\n\nfreezer cold\npower out\n", "Guide", "/docs/guide.md")
OTHERS = [Document(f"d{n}", f"lantern {n}\noil", tenant="t", pages=(0, 5)) for n in range(3)]


async def filled(store: Store) -> Store:
    await index([GUIDE, *OTHERS], by_line, ENCODER, BM25, store)
    return store


async def problems(store: Store) -> tuple[list[Problem], Counter[str]]:
    counts: Counter[str] = Counter()
    return [problem async for problem in verify(store, counts)], counts


async def of_guide(store: Store) -> tuple[DocumentRecord, list[Point]]:
    (record,) = await store.records("default", ["guide"])
    points = [point async for page in store.scan(record) for point in page]
    return record, sorted(points, key=lambda point: point.chunk.ordinal)


@pytest.mark.parametrize("kind", ["exact", "edge"])
async def test_what_a_run_wrote_is_whole(kind: str, tmp_path: Path) -> None:
    store = await filled(ExactStore(SPEC) if kind == "exact" else create_edge(tmp_path, SPEC))
    found, counts = await problems(store)
    assert found == []
    assert counts == Counter(documents=4, chunks=9, terms=(await store.info()).terms, unfinished=0)
    await store.close()


Plant = Callable[[Store, DocumentRecord, list[Point]], Awaitable[None]]


def chunk(**changes: Any) -> Plant:  # noqa: ANN401 - fields of the value
    """Change the chunk in the middle, and leave its id."""

    async def plant(store: Store, _: DocumentRecord, points: list[Point]) -> None:
        await store.put([replace(points[1], chunk=replace(points[1].chunk, **changes))])

    return plant


def point(**changes: Any) -> Plant:  # noqa: ANN401 - fields of the value
    async def plant(store: Store, _: DocumentRecord, points: list[Point]) -> None:
        await store.put([replace(points[1], **changes)])

    return plant


def record(**changes: Any) -> Plant:  # noqa: ANN401 - fields of the value
    async def plant(store: Store, record: DocumentRecord, _: list[Point]) -> None:
        await store.record([replace(record, **changes)])

    return plant


async def lost_chunk(store: Store, _: DocumentRecord, points: list[Point]) -> None:
    await store.remove([points[1].chunk.id])


async def lost_chunks(store: Store, _: DocumentRecord, points: list[Point]) -> None:
    await store.remove([each.chunk.id for each in points])


async def other_id(store: Store, _: DocumentRecord, points: list[Point]) -> None:
    await store.remove([points[1].chunk.id])
    await store.put([replace(points[1], chunk=replace(points[1].chunk, id="0" * 32))])


async def lost_record(store: Store, record: DocumentRecord, points: list[Point]) -> None:
    await store.drop(record.tenant, [record.document_id])
    await store.put(points)


LONG = np.full(16, 0.2511, np.float32)  # 4 · .2511
DAMAGE: dict[str, tuple[Plant, str]] = {
    "another text of the same length": (chunk(text="freezer COLD"), "its text is not"),
    "a text of another length": (chunk(text="freezer"), "not as long as its text"),
    "another gap": (chunk(gap=" "), "its text is not"),
    "a gap of another length": (chunk(gap="\n\n"), "do not follow each other"),
    "another span": (chunk(start=11, end=23), "do not follow each other"),
    "another number": (chunk(ordinal=7), "not numbered"),
    "another context": (chunk(context="x"), "chunk 1 has not the id"),
    "another title": (chunk(title="x"), "chunk 1 has another title, source"),
    "another page": (chunk(page=3), "chunk 1 has another title, source, page"),
    "other metadata": (chunk(metadata={"principals": "eve"}), "source, page or metadata"),
    "another source": (chunk(source="/x"), "source, page or metadata"),
    "another id": (other_id, "chunk 1 has not the id"),
    "a chunk that is gone": (lost_chunk, "says 3 chunks, there are 2"),
    "chunks that are gone": (lost_chunks, "a record without chunks"),
    "a record that is gone": (lost_record, "3 chunks without a record"),
    "a wrong number of chunks": (record(chunks=4), "says 4 chunks, there are 3"),
    "a wrong number of terms": (record(terms=1), "says 1 terms, its chunks"),
    "another length": (point(length=99), "terms, its chunks"),
    "another head": (record(head="\n\n"), "its text is not"),
    "another title in the record": (record(title="x"), "its text is not"),
    "another digest": (record(digest="x"), "its text is not"),
    "a vector that is too long": (point(dense=LONG), "the length 1.0044"),
    "a vector of nothing": (point(dense=np.zeros(16, np.float32)), "the length 0.0000"),
    "a vector that is no number": (point(dense=np.full(16, np.nan, np.float32)), "length nan"),
    "a vector of another encoder": (point(dense=np.ones(1, np.float32)), "1 dimensions"),
}


@pytest.mark.parametrize("what", DAMAGE)
async def test_damage_is_found_and_says_where_it_is(what: str) -> None:
    store = await filled(ExactStore(SPEC))
    plant, says = DAMAGE[what]
    await plant(store, *await of_guide(store))
    found, counts = await problems(store)
    own = [problem for problem in found if problem.document_id]
    assert counts["problems"] == len(found)
    assert {(p.tenant, p.document_id, p.source) for p in own} <= {
        ("default", "guide", "/docs/guide.md"),
        ("default", "guide", "/x"),
    }
    assert any(says in problem.what for problem in own), [problem.what for problem in own]


async def test_a_vector_may_be_a_little_longer_than_one() -> None:
    store = await filled(ExactStore(SPEC))
    _, points = await of_guide(store)
    await store.put([replace(points[1], dense=points[1].dense * 1.0009)])
    assert (await problems(store))[0] == []


async def test_totals_that_do_not_add_up_are_the_collections_own_problem() -> None:
    store = await filled(ExactStore(SPEC))
    await store.stamp(replace(await store.info(), chunks=8))
    ((problem,), _) = await problems(store)
    assert (problem.document_id, "8 chunks" in problem.what) == ("", True)
    await store.stamp(replace(await store.info(), settled=False))
    assert (await problems(store))[0] == []


async def test_what_a_run_left_half_done_is_unfinished_but_no_damage() -> None:
    store = await filled(ExactStore(SPEC))
    record, points = await of_guide(store)
    await store.stamp(replace(await store.info(), settled=False))
    ((other, *_),) = by_line([replace(GUIDE, text="another version")])
    await store.put([Point(other, points[0].dense, SparseVector((), ()), 3)])
    await store.record([replace(record, state="written", adding=(other.id,))])
    ((half, *_),) = by_line([Document("half", "half")])
    await store.put([Point(half, points[0].dense, SparseVector((), ()), 1)])
    await store.record([DocumentRecord("half", state="written", adding=(half.id,))])
    found, counts = await problems(store)
    assert found == []
    assert (counts["unfinished"], counts["documents"]) == (2, 4)
