"""A run over what is new goes on where one before ended, and no mark outlives what made it."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexers.stores.exact import ExactStore
from indexers.updating import Limits, Updates, update
from rag.errors import LLMUnavailable, ModelUnavailable, StoreUnavailable
from rag.seams import LLM, Store
from rag.values import Choose, Chosen, Validity
from tests.indexers.facts import (
    SPEC,
    TODAY,
    asking,
    chunks,
    document,
    ends,
    fact,
    new_store,
    put,
    updated,
)

pytestmark = pytest.mark.anyio

ADA, BOB, CLEO = document("Ada", "2020"), document("Bob", "2022"), document("Cleo", "2024")
CHAIN = {"Ada": ("2022-01-01", "Bob"), "Bob": ("2024-01-01", "Cleo")}


class Failing(ExactStore):
    """A store whose engine fails at some write, as if the process had been killed there."""

    left = 10**9

    async def mark(self, marks: Mapping[str, Validity]) -> None:
        self._write()
        await super().mark(marks)

    async def record(self, records: object) -> None:
        self._write()
        await super().record(records)  # type: ignore[arg-type]

    def _write(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise StoreUnavailable("killed")


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 14))
async def test_a_run_that_was_killed_anywhere_is_finished_by_the_next(writes: int) -> None:
    store = Failing(SPEC)
    await put(store, [ADA, BOB, CLEO])
    store.left = writes
    try:
        await updated(store)
    except StoreUnavailable:
        store.left = 10**9
    store.left = 10**9
    await updated(store)
    assert await ends(store) == CHAIN
    assert (await updated(store)) == Updates()


async def test_what_was_compared_is_not_compared_again_but_what_changed_is() -> None:
    store, llm = await new_store(), asking()
    await updated(store, [ADA, BOB], llm)
    asked = len(llm.history)
    assert await updated(store, [ADA, BOB], llm) == Updates()
    assert len(llm.history) == asked
    longer = document("Ada", "2020", f"{fact('Ada')}\nA line about a spaniel.")
    found = await updated(store, [longer, BOB], llm)
    assert (found.documents, found.chunks, found.pairs) == (1, 1, 0)
    assert await ends(store) == {"Ada": ("2022-01-01", "Bob")}


async def test_without_a_model_nothing_is_marked_and_the_next_run_does_it() -> None:
    store = await new_store()
    await put(store, [ADA, BOB])

    async def missing() -> LLM:
        raise ModelUnavailable("no such folder")

    for failed in (await update(store, missing, TODAY), await _with(store, _down)):
        assert (failed.superseded, failed.left) == (0, 2)
        (notice,) = failed.notices
        assert "2 documents are still to be compared, run again: " in notice.reason
    assert await ends(store) == {}
    assert (await updated(store)).documents == 2
    assert await ends(store) == {"Ada": ("2022-01-01", "Bob")}


def _down(request: Choose) -> Chosen:
    raise LLMUnavailable(f"no answer to {len(request.labels)} labels")


async def _with(store: Store, choose: object) -> Updates:
    return await updated(store, llm=asking(choose))  # type: ignore[arg-type]


async def test_a_budget_is_kept_and_what_is_left_is_done_by_further_runs() -> None:
    store = await new_store()
    await put(store, [ADA, BOB, CLEO, document("Dora", "2025")])
    runs = [await updated(store, limits=Limits(calls=8))]
    while runs[-1].left:
        runs.append(await updated(store, limits=Limits(calls=8)))
    assert len(runs) > 1
    assert all(run.cost.calls <= 8 for run in runs)
    assert await ends(store) == {**CHAIN, "Cleo": ("2025-01-01", "Dora")}
    late = await updated(await _pair(), limits=Limits(seconds=0.0))
    assert (late.left, late.cost.calls) == (2, 0)


async def _pair() -> ExactStore:
    store = ExactStore(SPEC)
    await put(store, [ADA, BOB])
    return store


async def test_a_mark_goes_with_what_made_it_and_the_next_one_takes_its_place() -> None:
    store = await new_store()
    await updated(store, [ADA, BOB, CLEO])
    await store.drop("default", ["Bob"])
    found = await updated(store)
    assert (found.released, found.superseded) == (1, 1)
    assert await ends(store) == {"Ada": ("2024-01-01", "Cleo")}
    (record,) = await store.records("default", ["Ada"])
    assert list(record.superseders.values()) == ["2024-01-01"]
    await store.drop("default", ["Cleo"])
    assert (await updated(store)).released == 1
    assert await ends(store) == {}
    assert (await chunks(store))["default/Ada:0"].validity == Validity("2020-01-01")


async def test_a_mark_goes_when_what_made_it_says_something_else_or_has_other_readers() -> None:
    for changed in (
        document("Bob", "2022", "A line about a spaniel."),
        document("Bob", "2022", fact("Bob"), principals="bob"),
    ):
        store = await new_store()
        await updated(store, [ADA, BOB])
        await updated(store, [changed])
        assert await ends(store) == {}


async def test_marks_are_taken_away_without_a_model_too() -> None:
    store = await new_store()
    await updated(store, [ADA, BOB, CLEO])
    await store.drop("default", ["Bob"])
    found = await update(store, None, TODAY)
    assert (found.released, found.superseded, found.notices) == (1, 0, ())
    assert await ends(store) == {}


async def test_another_date_moves_the_marks() -> None:
    store = await new_store()
    await updated(store, [ADA, BOB, CLEO])
    await updated(store, [document("Bob", "2023")])
    assert await ends(store) == {"Ada": ("2023-01-01", "Bob"), "Bob": ("2024-01-01", "Cleo")}
    await updated(store, [document("Bob", "2025")])
    assert await ends(store) == {"Ada": ("2024-01-01", "Cleo"), "Cleo": ("2025-01-01", "Bob")}


async def test_other_dates_of_all_move_the_marks_as_if_they_had_always_been() -> None:
    store = await new_store()
    await updated(store, [ADA, BOB, CLEO])
    await updated(
        store, [document("Ada", "2024"), document("Bob", "2023"), document("Cleo", "2021")]
    )
    assert await ends(store) == {"Cleo": ("2023-01-01", "Bob"), "Bob": ("2024-01-01", "Ada")}
