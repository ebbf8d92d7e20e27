"""A name stands for one physical collection at a time, in a folder as on a server."""

import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexers.stores.catalogue import (
    NAME,
    Catalogue,
    checked_name,
    following,
    number_of,
)
from indexers.stores.catalogue_edge import EdgeCatalogue
from indexers.stores.catalogue_server import ServerCatalogue
from indexers.stores.edge import create_edge, open_edge
from rag.errors import (
    BadCollection,
    CollectionMismatch,
    CollectionNotFound,
    StoreLocked,
    StoreUnavailable,
)
from rag.sections import StoreSettings
from tests.seams.points import SPEC, point

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant"),
]


@pytest.fixture(params=["edge", "server in memory"])
async def catalogue(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Catalogue]:
    edge = request.param == "edge"
    made: Catalogue = (
        EdgeCatalogue(StoreSettings(path=str(tmp_path / "store")))
        if edge
        else ServerCatalogue(StoreSettings(url=":memory:"))
    )
    yield made
    await made.close()


async def created(catalogue: Catalogue, name: str, *numbers: int) -> str:
    """Create a physical collection that holds the points of these numbers, and close it."""
    physical, store = await catalogue.create(name, SPEC)
    await store.put([point(number, {1: 1.0}) for number in numbers])
    await store.close()
    return physical


async def count(catalogue: Catalogue, physical: str) -> int:
    store = await catalogue.open(physical)
    try:
        return await store.count()
    finally:
        await store.close()


async def test_an_empty_place_has_no_names(catalogue: Catalogue) -> None:
    assert await catalogue.names() == {}
    assert await catalogue.physicals() == ()
    assert await catalogue.resolve("pets") is None


async def test_a_new_collection_is_seen_by_nobody_until_it_is_pointed_to(
    catalogue: Catalogue,
) -> None:
    physical = await created(catalogue, "pets", 1)
    assert physical == "pets@1"
    assert await catalogue.resolve("pets") is None
    await catalogue.point("pets", physical)
    assert await catalogue.resolve("pets") == "pets@1"
    assert await catalogue.names() == {"pets": "pets@1"}


async def test_a_name_is_switched_and_both_collections_stay(catalogue: Catalogue) -> None:
    first = await created(catalogue, "pets", 1)
    await catalogue.point("pets", first)
    second = await created(catalogue, "pets", 1, 2)
    assert second == "pets@2"
    assert await catalogue.resolve("pets") == first
    await catalogue.point("pets", second)
    assert await catalogue.resolve("pets") == second
    assert await catalogue.physicals() == (first, second)
    assert (await count(catalogue, first), await count(catalogue, second)) == (1, 2)


async def test_collections_of_other_names_are_apart(catalogue: Catalogue) -> None:
    for name in ("pets", "pets-2", "pe"):
        await catalogue.point(name, await created(catalogue, name))
    assert await catalogue.names() == {"pets": "pets@1", "pets-2": "pets-2@1", "pe": "pe@1"}


async def test_what_a_name_stands_for_cannot_be_dropped(catalogue: Catalogue) -> None:
    first = await created(catalogue, "pets", 1)
    await catalogue.point("pets", first)
    with pytest.raises(BadCollection, match="what 'pets' stands for: firstcite collections drop"):
        await catalogue.drop(first)
    assert await count(catalogue, first) == 1
    await catalogue.forget("pets")
    await catalogue.drop(first)
    assert await catalogue.resolve("pets") is None
    assert await catalogue.physicals() == ()


async def test_the_number_of_a_dropped_collection_that_stood_before_another_is_not_used_again(
    catalogue: Catalogue,
) -> None:
    await created(catalogue, "pets")
    await created(catalogue, "pets")
    await catalogue.drop("pets@1")
    assert await created(catalogue, "pets") == "pets@3"


@pytest.mark.parametrize("attempt", ["open", "drop"])
async def test_what_is_not_there_is_named(catalogue: Catalogue, attempt: str) -> None:
    with pytest.raises(CollectionNotFound, match=r"'pets@1'.*firstcite collections list"):
        await getattr(catalogue, attempt)("pets@1")


async def test_a_folder_of_an_older_kind_stands_for_itself_until_it_is_replaced(
    tmp_path: Path,
) -> None:
    await create_edge(tmp_path / "pets", SPEC).close()
    catalogue = EdgeCatalogue(StoreSettings(path=str(tmp_path)))
    assert await catalogue.resolve("pets") == "pets"
    assert await catalogue.names() == {"pets": "pets"}
    physical = await created(catalogue, "pets", 1)
    assert physical == "pets@1"
    await catalogue.point("pets", physical)
    assert await catalogue.names() == {"pets": "pets@1"}
    await catalogue.drop("pets")
    assert await catalogue.physicals() == ("pets@1",)


async def test_a_collection_of_an_older_kind_on_a_server_keeps_its_name() -> None:
    catalogue = ServerCatalogue(StoreSettings(url=":memory:"))
    from indexers.stores.server import create_collection

    await create_collection(catalogue._server, "pets", SPEC)
    assert await catalogue.resolve("pets") == "pets"
    with pytest.raises(CollectionMismatch, match="take another --collection"):
        await catalogue.create("pets", SPEC)
    await catalogue.close()


async def test_a_folder_that_somebody_has_open_is_not_deleted(tmp_path: Path) -> None:
    catalogue = EdgeCatalogue(StoreSettings(path=str(tmp_path)))
    physical, store = await catalogue.create("pets", SPEC)
    await store.put([point(1, {1: 1.0})])
    with pytest.raises(StoreLocked):
        await catalogue.drop(physical)
    assert await store.count() == 1
    await store.close()
    await catalogue.drop(physical)
    assert not (tmp_path / physical).exists()


async def test_a_damaged_folder_can_be_deleted(tmp_path: Path) -> None:
    catalogue = EdgeCatalogue(StoreSettings(path=str(tmp_path)))
    physical = await created(catalogue, "pets", 1)
    (tmp_path / physical / "points" / "edge_config.json").write_text("{")
    await catalogue.drop(physical)
    assert await catalogue.physicals() == ()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b"[]", b'{"a": 1}', b'{"a": "../b"}', b'{"a": "/b@1"}', b'{"..": "a@1"}'],
)
async def test_damaged_names_are_refused_by_file_and_left_as_they_are(
    tmp_path: Path, content: bytes
) -> None:
    catalogue = EdgeCatalogue(StoreSettings(path=str(tmp_path)))
    (tmp_path / "aliases.json").write_bytes(content)
    for attempt in (catalogue.resolve("a"), catalogue.names(), catalogue.point("a", "a@1")):
        with pytest.raises(StoreUnavailable, match=r"aliases\.json"):
            await attempt
    assert (tmp_path / "aliases.json").read_bytes() == content


async def test_a_folder_that_cannot_be_written_names_the_setting(tmp_path: Path) -> None:
    catalogue = EdgeCatalogue(StoreSettings(path=str(tmp_path)))
    physical = await created(catalogue, "pets")
    (tmp_path / "aliases.json.new").mkdir()
    with pytest.raises(StoreUnavailable, match=r"store\.path"):
        await catalogue.point("pets", physical)
    assert await catalogue.resolve("pets") is None


def _point(root: Path, number: int) -> None:
    anyio.run(EdgeCatalogue(StoreSettings(path=str(root))).point, f"c{number}", f"c{number}@1")


def test_names_that_are_written_at_once_are_all_kept(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(_point, [tmp_path] * 20, range(20)))
    names = json.loads((tmp_path / "aliases.json").read_bytes())
    assert names == {f"c{n}": f"c{n}@1" for n in range(20)}


async def test_the_size_of_a_folder_is_what_it_takes_on_disk(tmp_path: Path) -> None:
    catalogue = EdgeCatalogue(StoreSettings(path=str(tmp_path)))
    physical = await created(catalogue, "pets", 1)
    size = await catalogue.size(physical)
    (tmp_path / physical / "more").write_bytes(b"x" * 100_000)
    assert 100_000 <= await catalogue.size(physical) - size <= 110_000


@given(st.from_regex(NAME, fullmatch=True), st.from_regex(NAME, fullmatch=True), st.data())
def test_physical_collections_of_one_name_are_numbered_and_are_no_names(
    name: str, other: str, data: st.DataObject
) -> None:
    numbers = data.draw(st.lists(st.integers(1, 10**6), unique=True))
    found = [f"{name}@{n}" for n in numbers] + [f"{other}x@7", other]
    physical = following(name, found)
    assert number_of(name, physical) > max(numbers, default=0)
    assert number_of(other + "x", physical) in {-1, number_of(name, physical)}
    with pytest.raises(BadCollection, match="no collection name"):
        checked_name(physical)


async def test_a_closed_collection_can_be_opened_by_its_folder(tmp_path: Path) -> None:
    catalogue = EdgeCatalogue(StoreSettings(path=str(tmp_path)))
    physical = await created(catalogue, "pets", 1)
    store = open_edge(tmp_path / physical)
    with pytest.raises(StoreLocked):
        await catalogue.open(physical)
    await store.close()
