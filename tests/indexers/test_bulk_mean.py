"""BM25 scores do not tell how many runs a collection was built in."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexers.bulk.weighing import STEP, settled_mean
from indexers.stores.edge import create_edge
from indexers.stores.exact import ExactStore
from rag.seams import Store
from rag.values import Document
from tests.indexers.runs import LONG, SHORT, SPEC, bm25_scores, ids, run

pytestmark = pytest.mark.anyio


async def test_the_mean_length_is_about_the_true_one_after_one_run() -> None:
    store = ExactStore(SPEC)
    await run(store, [*SHORT, *LONG])
    spec = await store.info()
    assert spec.mean_length == pytest.approx((2 + 6) / 2, rel=(STEP - 1) / 2)
    assert replace(spec, mean_length=0.0) == replace(SPEC, chunks=40, terms=160)


@given(st.integers(1, 10**7), st.integers(1, 10**9))
def test_a_settled_mean_is_within_half_a_step_of_the_true_one(chunks: int, terms: int) -> None:
    mean = settled_mean(chunks, terms)
    assert abs(math.log(mean * chunks / terms)) <= math.log(STEP) / 2 + 1e-9
    assert settled_mean(2 * chunks, 2 * terms) == mean


@pytest.mark.parametrize("kind", ["exact", "edge"])
async def test_two_runs_find_as_one_run_does(kind: str, tmp_path: Path) -> None:
    def empty(name: str) -> Store:
        return ExactStore(SPEC) if kind == "exact" else create_edge(tmp_path / name, SPEC)

    once, twice = empty("once"), empty("twice")
    await run(once, [*SHORT, *LONG])
    await run(twice, SHORT)
    assert (await twice.info()).mean_length == pytest.approx(2, rel=STEP - 1)
    report = await run(twice, LONG)
    assert report.reweighed == len(SHORT) + len(LONG)
    assert await twice.info() == await once.info()
    for query in ("freezer", "freezer cold 7", "lantern lantern spaniel"):
        assert await bm25_scores(twice, query) == pytest.approx(
            await bm25_scores(once, query), abs=1e-4
        )
    for store in (once, twice):
        await store.close()


@pytest.mark.parametrize("kind", ["exact", "edge"])
async def test_what_was_replaced_and_dropped_leaves_no_trace_in_the_scores(
    kind: str, tmp_path: Path
) -> None:
    def empty(name: str) -> Store:
        return ExactStore(SPEC) if kind == "exact" else create_edge(tmp_path / name, SPEC)

    clean, used = empty("clean"), empty("used")
    older = [replace(document, text=document.text + "\nlantern " * 3) for document in SHORT]
    await run(used, [*older, *LONG])
    await run(used, SHORT)
    await run(clean, [*SHORT, *LONG])
    assert await ids(used) == await ids(clean)
    assert await used.info() == await clean.info()
    for query in ("freezer", "lantern", "cold 7"):
        assert await bm25_scores(used, query) == pytest.approx(
            await bm25_scores(clean, query), abs=1e-4
        )
    for store in (clean, used):
        await store.close()


async def test_a_small_drift_of_the_mean_is_left_alone_and_a_larger_one_is_not() -> None:
    store = ExactStore(SPEC)
    await run(store, [Document(f"d{n}", "freezer cold") for n in range(100)])
    before = (await store.info()).mean_length
    assert before == pytest.approx(2, rel=STEP - 1)
    within = [Document("one more", "freezer cold power")]  # 203 / 101 = 2 · 1.005
    assert (await run(store, within)).reweighed == 0
    assert (await store.info()).mean_length == before
    beyond = [Document("long", "freezer cold power lantern spaniel")]  # 208 / 102 = 2 · 1.0196
    assert (await run(store, beyond)).reweighed == 102
    assert (await store.info()).mean_length == pytest.approx(208 / 102, rel=STEP - 1)


async def test_scores_stay_within_the_drift_of_one_run() -> None:
    base = [Document(f"d{n}", "freezer cold") for n in range(100)]
    more = [Document("e", "freezer cold power")]
    once, twice = ExactStore(SPEC), ExactStore(SPEC)
    await run(once, [*base, *more])
    await run(twice, base)
    assert (await run(twice, more)).reweighed == 0
    assert await bm25_scores(twice, "freezer") == pytest.approx(
        await bm25_scores(once, "freezer"), rel=STEP - 1
    )


async def test_documents_without_terms_do_no_harm() -> None:
    store = ExactStore(SPEC)
    await run(store, [Document("a", "the of and"), Document("b", "?!")])
    assert (await store.info()).mean_length == 0.0
    await run(store, [Document("c", "freezer cold power")])
    assert (await store.info()).mean_length == pytest.approx((0 + 0 + 3) / 3)
