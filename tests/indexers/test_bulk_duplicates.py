"""Near-duplicates are linked or skipped, and what the runs before were leaves no trace."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexers.bulk import FileReport, IndexReport, Options, index
from indexers.bulk.duplicates import CROWD
from indexers.bulk.spooling import READ_BATCH
from indexers.stores.exact import ExactStore
from rag.errors import StoreUnavailable
from rag.seams import Store
from rag.values import Document, Fault
from tests.indexers.runs import BM25, ENCODER, SPEC, lines, texts
from tests.indexers.test_bulk_again import Mortal, ReadOnlyAtLast, everything

pytestmark = pytest.mark.anyio

LINK, SKIP = Options(near_duplicates="link"), Options(near_duplicates="skip")


def words(start: int, count: int = 100) -> str:
    """A text of words that no other start has."""
    return " ".join(f"w{n}" for n in range(1000 * start, 1000 * start + count))


def document(id_: str, text: str) -> Document:
    return Document(id_, text, source=f"/g/{id_}")


FIRST = document("first", words(1))
ALIKE = document("alike", f"{words(1)} and more")
OTHER = document("other", words(2))


async def run(store: Store, items: Sequence[Document | Fault], options: Options) -> IndexReport:
    return await index(items, lines, ENCODER, BM25, store, options=options)


async def links(store: Store) -> dict[str, str]:
    found = [record async for page in store.survey() for record in page]
    return {record.document_id: record.like for record in found}


async def test_a_near_duplicate_is_linked_to_the_first_and_indexed() -> None:
    store = ExactStore(SPEC)
    report = await run(store, [OTHER, FIRST, ALIKE], LINK)
    assert await links(store) == {"first": "", "alike": "first", "other": ""}
    assert (report.new, report.documents, report.linked, report.skipped) == (3, 3, 1, 0)
    assert [str(notice) for notice in report.notices] == ["/g/alike: near-duplicate of 'first'"]
    assert len(await texts(store)) == 3


async def test_a_near_duplicate_is_skipped_and_said_to_be() -> None:
    store, files = ExactStore(SPEC), list[FileReport]()
    items = [OTHER, FIRST, ALIKE]
    report = await index(items, lines, ENCODER, BM25, store, options=SKIP, on_file=files.append)
    assert await links(store) == {"first": "", "other": ""}
    assert (report.new, report.documents, report.linked, report.skipped) == (2, 2, 0, 1)
    (notice,) = report.notices
    assert str(notice) == "/g/alike: near-duplicate of 'first', skipped"
    assert report.faults == ()
    assert files[-1] == FileReport("/g/alike", skipped=1, notices=(notice,))
    assert [file.status for file in files] == ["indexed", "indexed", "skipped"]


async def test_without_the_setting_nothing_is_compared() -> None:
    store, linked = ExactStore(SPEC), ExactStore(SPEC)
    report = await run(store, [FIRST, ALIKE], Options())
    assert (report.linked, report.notices) == (0, ())
    found = [record async for page in store.survey() for record in page]
    assert {(record.sketch, record.like) for record in found} == {("", "")}
    await run(linked, [FIRST, ALIKE], LINK)
    assert (await run(linked, [FIRST, ALIKE], Options())).revised == 2  # switched off
    assert await everything(linked) == await everything(store)


@pytest.mark.parametrize("options", [LINK, SKIP])
async def test_a_second_run_encodes_writes_and_changes_nothing(options: Options) -> None:
    store = ReadOnlyAtLast(SPEC)
    first = await run(store, [FIRST, OTHER, ALIKE], options)
    store.read_only = True
    report = await run(store, [FIRST, OTHER, ALIKE], options)
    assert (report.new, report.unchanged, report.encoded) == (0, first.documents, 0)
    assert (report.linked, report.skipped) == (first.linked, first.skipped)


async def test_the_order_of_reading_decides_also_where_the_store_holds_another_one() -> None:
    store, clean = ExactStore(SPEC), ExactStore(SPEC)
    await run(store, [FIRST, OTHER, ALIKE], SKIP)
    report = await run(store, [ALIKE, FIRST, OTHER], SKIP)
    assert (report.new, report.skipped, await links(store)) == (1, 1, {"alike": "", "other": ""})
    await run(clean, [ALIKE, FIRST, OTHER], SKIP)
    assert (await everything(store))[0] == (await everything(clean))[0]
    assert await texts(store) == await texts(clean)


async def test_what_the_store_holds_and_the_run_does_not_read_was_first() -> None:
    store = ExactStore(SPEC)
    await run(store, [FIRST, OTHER], SKIP)
    report = await run(store, [document("new", words(3)), ALIKE], SKIP)
    assert (report.new, report.skipped) == (1, 1)
    assert await links(store) == {"first": "", "other": "", "new": ""}


@pytest.mark.parametrize("options", [LINK, SKIP])
async def test_when_the_original_vanishes_its_near_duplicate_takes_its_place(
    options: Options,
) -> None:
    store = ExactStore(SPEC)
    await run(store, [FIRST, OTHER, ALIKE], options)
    report = await run(store, [OTHER, ALIKE], replace(options, prune=("/g",)))
    assert (report.pruned, report.skipped, report.linked) == (1, 0, 0)
    assert await links(store) == {"alike": "", "other": ""}


async def test_the_original_of_a_file_that_cannot_be_read_stays_the_original() -> None:
    store = ExactStore(SPEC)
    await run(store, [FIRST, ALIKE], SKIP)
    fault = Fault("/g/first", 0, "cannot be read")
    report = await run(store, [ALIKE, fault], replace(SKIP, prune=("/g",)))
    assert (report.pruned, report.skipped, await links(store)) == (0, 1, {"first": ""})


async def test_when_the_original_becomes_another_text_its_near_duplicate_comes_in() -> None:
    store = ExactStore(SPEC)
    await run(store, [FIRST, ALIKE], SKIP)
    for order in ([replace(FIRST, text=words(4)), ALIKE], [ALIKE, replace(FIRST, text=words(5))]):
        report = await run(store, order, SKIP)
        assert report.skipped == 0
        assert await links(store) == {"first": "", "alike": ""}
        await run(store, [FIRST, ALIKE], SKIP)


async def test_what_became_empty_is_no_original() -> None:
    store = ExactStore(SPEC)
    await run(store, [FIRST, OTHER], SKIP)
    report = await run(store, [replace(FIRST, text=""), OTHER, ALIKE], SKIP)
    assert (report.skipped, len(await links(store))) == (0, 3)


async def test_a_document_that_became_a_near_duplicate_leaves_the_store() -> None:
    store, clean = ExactStore(SPEC), ExactStore(SPEC)
    await run(store, [FIRST, OTHER], SKIP)
    changed = replace(OTHER, text=ALIKE.text)
    report = await run(store, [FIRST, changed], SKIP)
    assert (report.skipped, report.chunks) == (1, 1)
    await run(clean, [FIRST, changed], SKIP)
    assert await everything(store) == await everything(clean)


async def test_a_dry_run_tells_what_would_be_skipped_and_does_nothing() -> None:
    store = ReadOnlyAtLast(SPEC)
    await run(store, [FIRST, OTHER], SKIP)
    store.read_only = True
    report = await run(store, [FIRST, replace(OTHER, text=ALIKE.text)], replace(SKIP, dry=True))
    assert report.skipped == 1
    assert len(await links(store)) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"tenant": "a"}, {"tenant": "b"}),
        ({}, {"metadata": {"principals": "ada"}}),
        ({"metadata": {"principals": "ada"}}, {}),
        ({"metadata": {"principals": ["ada"]}}, {"metadata": {"principals": ["ada", "bob"]}}),
    ],
)
async def test_what_others_may_read_is_no_near_duplicate(
    one: dict[str, object], other: dict[str, object]
) -> None:
    store = ExactStore(SPEC)
    twins = [replace(FIRST, **one), replace(FIRST, id="twin", **other)]  # type: ignore[arg-type]
    for items in (twins, twins[::-1], twins[1:]):
        report = await run(store, items, SKIP)
        assert report.skipped == 0


async def test_principals_are_a_set() -> None:
    names: list[object] = [["ada", "bob"], ["bob", "ada", "ada"]]
    twins = [replace(FIRST, id=str(n), metadata={"principals": n}) for n in names]  # type: ignore[dict-item]
    assert (await run(ExactStore(SPEC), twins, SKIP)).skipped == 1


async def test_closing_an_original_brings_its_near_duplicate_in() -> None:
    store = ExactStore(SPEC)
    await run(store, [FIRST, ALIKE], SKIP)
    closed = replace(FIRST, metadata={"principals": "ada"})
    assert (await run(store, [closed, ALIKE], SKIP)).skipped == 0


async def test_short_documents_are_near_duplicates_only_of_equal_ones() -> None:
    rows = ["nine hours", "nine hours", "nine hours.", "", ""]
    report = await run(
        ExactStore(SPEC), [document(str(n), text) for n, text in enumerate(rows)], SKIP
    )
    assert report.skipped == 1
    titled = [Document(title, "", title) for title in ("One title", "Another title")]
    assert (await run(ExactStore(SPEC), titled, SKIP)).skipped == 0


async def test_original_and_near_duplicate_may_be_many_documents_apart() -> None:
    store = ExactStore(SPEC)
    many = [document(f"d{n}", f"row {n}") for n in range(READ_BATCH)]
    await run(store, [FIRST, *many, ALIKE], LINK)
    assert (await links(store))["alike"] == "first"


async def test_all_of_many_equal_documents_are_found_wherever_their_original_is() -> None:
    store = ExactStore(SPEC)
    await run(store, [replace(FIRST, id="z")], SKIP)
    copies = [replace(FIRST, id=f"c{n}") for n in range(3 * CROWD)]
    report = await run(store, copies, SKIP)  # all wait for the end
    assert (report.skipped, await links(store)) == (len(copies), {"z": ""})
    report = await run(store, [*copies, replace(FIRST, id="z")], SKIP)
    assert (report.skipped, await links(store)) == (len(copies), {"c0": ""})


async def test_the_share_is_what_documents_must_have_in_common() -> None:
    half = document("half", f"{words(1, 80)} {words(6, 20)}")  # 78 of 118 shingles
    for share, skipped in ((0.9, 0), (0.5, 1)):
        options = replace(SKIP, near_duplicate_share=share)
        assert (await run(ExactStore(SPEC), [FIRST, half], options)).skipped == skipped


# Texts of which some resemble each other, a chain among them: 0 ~ 1 ~ 2, but not 0 ~ 2.
CHAIN = [" ".join(f"c{n}" for n in range(start, start + 200)) for start in (0, 18, 36)]
TEXTS = {"0": CHAIN[0], "1": CHAIN[1], "2": CHAIN[2], "0 again": f"{CHAIN[0]} again"}
TEXTS |= {"other": words(7), "other again": f"{words(7)} again", "short": "short", "none": ""}
STATES = st.lists(
    st.tuples(
        st.sampled_from("abcdef"), st.sampled_from(sorted(TEXTS)), st.sampled_from(["", "ada"])
    ),
    max_size=6,
    unique_by=lambda row: row[0],
)
EXAMPLES = 20
State = list[tuple[str, str, str]]


def _documents(state: State) -> list[Document]:
    return [
        Document(id_, TEXTS[text], source=f"/g/{id_}", metadata={"principals": who} if who else {})
        for id_, text, who in state
    ]


@pytest.mark.parametrize("mode", ["link", "skip"])
@given(
    states=st.lists(STATES, min_size=1, max_size=3),
    kills=st.lists(st.integers(0, 20), max_size=4),
)
@settings(max_examples=EXAMPLES, deadline=None)
async def test_wherever_runs_are_killed_the_last_one_leaves_what_a_clean_run_does(
    mode: Literal["link", "skip"], states: list[State], kills: list[int]
) -> None:
    options = Options(prune=("/g",), near_duplicates=mode)
    marker = Document("marker", "always there", source="/g/marker")  # pruning needs a document
    store, clean = Mortal(SPEC), ExactStore(SPEC)
    for position, left in enumerate(kills):
        store.left = left
        with suppress(StoreUnavailable):
            await run(store, [marker, *_documents(states[position % len(states)])], options)
    store.left = 10**9
    await run(store, [marker, *_documents(states[-1])], options)
    await run(clean, [marker, *_documents(states[-1])], options)
    assert await everything(store) == await everything(clean)


@given(states=st.lists(STATES, min_size=1, max_size=4), part=STATES)
@settings(max_examples=EXAMPLES, deadline=None)
async def test_the_same_run_again_changes_nothing_whatever_the_store_holds_besides(
    states: list[State], part: State
) -> None:
    store = ReadOnlyAtLast(SPEC)
    for state in [*states, part]:
        await run(store, _documents(state), SKIP)
    before = await everything(store)
    store.read_only = True
    report = await run(store, _documents(part), SKIP)
    assert (report.new, report.changed, report.revised) == (0, 0, 0)
    assert await everything(store) == before


async def test_what_resembles_a_near_duplicate_but_no_original_is_an_original() -> None:
    store = ExactStore(SPEC)
    await run(store, [document(str(n), text) for n, text in enumerate(CHAIN[:2])], LINK)
    await run(store, [document("2", CHAIN[2])], LINK)
    assert await links(store) == {"0": "", "1": "0", "2": ""}
