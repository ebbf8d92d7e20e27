"""A snapshot brings a collection back as it was, and anything else is refused unchanged."""

import gzip
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from indexers.stores.catalogue import Catalogue
from indexers.stores.catalogue_edge import EdgeCatalogue
from indexers.stores.catalogue_server import ServerCatalogue
from indexers.stores.snapshots import pack, unpack
from rag.errors import BadCollection, CollectionNotFound, StoreLocked, StoreUnavailable
from rag.sections import StoreSettings
from tests.seams.points import SPEC, ids_in, point

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant")


@pytest.fixture
def catalogue(tmp_path: Path) -> EdgeCatalogue:
    return EdgeCatalogue(StoreSettings(path=str(tmp_path / "store")))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A snapshot of two small files, which is all that the archive knows of a collection."""
    folder = tmp_path / "of"
    (folder / "points").mkdir(parents=True)
    (folder / "collection.json").write_bytes(b"{ }")
    (folder / "points" / "wal").write_bytes(bytes(200_000) + b"x" + bytes(70_000))
    pack(tmp_path / "a.snap", "edge", "pets@1", SPEC, folder, ["collection.json", "points/wal"])
    return tmp_path / "a.snap"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.anyio
async def test_a_restored_collection_is_as_it_was_and_seen_by_nobody_yet(
    catalogue: EdgeCatalogue, tmp_path: Path
) -> None:
    physical, store = await catalogue.create("pets", SPEC)
    await store.put([point(n, {n: 1.0}) for n in (1, 2, 3)])
    taken = tmp_path / "pets.snap"
    with pytest.raises(StoreLocked):
        await catalogue.snapshot(physical, taken)
    await store.close()
    await catalogue.snapshot(physical, taken)
    assert await catalogue.restore(taken, "cats") == "cats@1"
    assert await catalogue.resolve("cats") is None
    before, after = await catalogue.open("pets@1"), await catalogue.open("cats@1")
    assert await after.info() == await before.info() == SPEC
    assert await ids_in(after) == await ids_in(before)
    await after.put([point(4, {4: 1.0})])
    assert (await before.count(), await after.count()) == (3, 4)
    await before.close()
    await after.close()
    assert max([await catalogue.size(name) for name in ("pets@1", "cats@1")]) < 2_000_000
    assert names_in(tmp_path) == ["pets.snap", "store"]
    assert os.stat(taken).st_size < 2_000_000  # noqa: PTH116 - what is hollow takes no room


@pytest.mark.anyio
async def test_only_what_is_there_is_taken(catalogue: EdgeCatalogue, tmp_path: Path) -> None:
    with pytest.raises(CollectionNotFound, match="'cats@1'"):
        await catalogue.snapshot("cats@1", tmp_path / "cats.snap")
    assert names_in(tmp_path) == []


def test_files_come_back_byte_by_byte(small: Path, tmp_path: Path) -> None:
    manifest = unpack(small, "edge", tmp_path / "into")
    assert manifest.collection == "pets@1"
    for name in ("collection.json", "points/wal"):
        assert (tmp_path / "into" / name).read_bytes() == (tmp_path / "of" / name).read_bytes()
    assert (tmp_path / "into" / "points" / "wal").stat().st_blocks * 512 < 200_000, "hollow"


def test_a_snapshot_is_written_whole_or_not_at_all(small: Path, tmp_path: Path) -> None:
    before = small.read_bytes()
    with pytest.raises(BadCollection, match="exists: name another"):
        pack(small, "edge", "pets@1", SPEC, tmp_path / "of", ["collection.json"])
    assert small.read_bytes() == before
    for name, error in (("none/b.snap", FileNotFoundError), ("b.snap", FileNotFoundError)):
        with pytest.raises(error):
            pack(tmp_path / name, "edge", "pets@1", SPEC, tmp_path / "of", ["not there"])
    assert names_in(tmp_path) == ["a.snap", "of"]


Change = Callable[[dict[str, bytes]], list[tuple[tarfile.TarInfo, bytes]]]


def rewritten(snapshot: Path, change: Change) -> None:
    """Write a snapshot anew with other members."""
    with tarfile.open(snapshot) as tar:
        held = {}
        for member in tar:
            content = tar.extractfile(member)
            assert content is not None
            held[member.name] = content.read()
    with tarfile.open(snapshot, "w:gz", compresslevel=1) as tar:
        for member, data in change(held):
            member.size = len(data) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(data))


def as_is(held: dict[str, bytes]) -> list[tuple[tarfile.TarInfo, bytes]]:
    return [(tarfile.TarInfo(name), data) for name, data in held.items()]


def manifest_with(held: dict[str, bytes], **changes: object) -> dict[str, bytes]:
    said = json.loads(held["firstcite.json"])
    return {**held, "firstcite.json": json.dumps({**said, **changes}).encode()}


def outside(name: str) -> Change:
    """Put a file under a name that leads out of the folder, and into the manifest."""

    def change(held: dict[str, bytes]) -> list[tuple[tarfile.TarInfo, bytes]]:
        files = json.loads(held["firstcite.json"])["files"]
        files[name] = files.pop("collection.json")
        data = held.pop("collection.json")
        return as_is({**manifest_with(held, files=files), name: data})

    return change


def link(kind: bytes) -> Change:
    def change(held: dict[str, bytes]) -> list[tuple[tarfile.TarInfo, bytes]]:
        member = tarfile.TarInfo("collection.json")
        member.type, member.linkname = kind, "/etc/passwd"
        del held["collection.json"]
        return [*as_is(held), (member, b"")]

    return change


CHANGES: dict[str, tuple[Change, str]] = {
    "an absolute path": (outside("/tmp/evil"), "leads out"),  # noqa: S108
    "a path upwards": (outside("points/../../evil"), "leads out"),
    "a path of another system": (outside("..\\evil"), "leads out"),
    "a symbolic link": (link(tarfile.SYMTYPE), "should not"),
    "a hard link": (link(tarfile.LNKTYPE), "should not"),
    "a device": (link(tarfile.CHRTYPE), "should not"),
    "a file more": (lambda held: as_is({**held, "points/more": b"x"}), "should not"),
    "a file less": (lambda held: as_is(held)[:-1], "missing"),
    "a file twice": (lambda held: [*as_is(held), as_is(held)[-1]], "should not"),
    "a longer file": (
        lambda held: as_is({**held, "collection.json": b" " + held["collection.json"]}),
        "should not",
    ),
    "another byte": (
        lambda held: as_is({**held, "collection.json": b" " + held["collection.json"][1:]}),
        "not what was written",
    ),
    "no manifest": (lambda held: as_is(held)[1:], "no snapshot"),
    "another format": (lambda held: as_is(manifest_with(held, format="x")), "no snapshot"),
    "a later version": (lambda held: as_is(manifest_with(held, version=2)), "no snapshot"),
    "of a server": (lambda held: as_is(manifest_with(held, kind="server")), "firstcite migrate"),
    "a manifest of another shape": (lambda held: as_is(manifest_with(held, files=3)), "damaged"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_foreign_or_damaged_snapshot_is_refused(small: Path, tmp_path: Path, what: str) -> None:
    change, says = CHANGES[what]
    rewritten(small, change)
    with pytest.raises(BadCollection, match=says):
        unpack(small, "edge", tmp_path / "deep" / "into")
    assert set(names_in(tmp_path)) <= {"a.snap", "of", "deep"}
    assert not (tmp_path / "deep" / "evil").exists()
    assert not Path("/tmp/evil").exists()  # noqa: S108


@pytest.mark.parametrize("share", [0, 0.001, 0.5, 0.99])
def test_a_truncated_snapshot_is_refused(small: Path, tmp_path: Path, share: float) -> None:
    data = small.read_bytes()
    small.write_bytes(data[: int(share * len(data))])
    with pytest.raises(BadCollection, match=r"a\.snap"):
        unpack(small, "edge", tmp_path / "into")


def test_the_checksum_of_the_archive_counts(small: Path, tmp_path: Path) -> None:
    small.write_bytes(small.read_bytes()[:-8] + bytes(8))
    with pytest.raises(BadCollection, match="CRC"):
        unpack(small, "edge", tmp_path / "into")


@pytest.mark.parametrize(
    "content",
    [b"text", gzip.compress(b"text"), bytes(20_000)],
    ids=["a text", "a packed text", "zeros"],
)
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.snap").write_bytes(content)
    with pytest.raises(BadCollection, match="no snapshot"):
        unpack(tmp_path / "x.snap", "edge", tmp_path / "into")


@pytest.mark.parametrize("kind", ["edge", "server"])
@pytest.mark.anyio
async def test_a_refused_snapshot_leaves_the_store_as_it_was(
    small: Path, tmp_path: Path, kind: Literal["edge", "server"]
) -> None:
    """The small one holds no collection that can be opened."""
    edge = EdgeCatalogue(StoreSettings(path=str(tmp_path / "store")))
    (tmp_path / "store").mkdir()
    server = ServerCatalogue(StoreSettings(url=":memory:"))
    place: Catalogue = edge if kind == "edge" else server
    with pytest.raises(StoreUnavailable if kind == "edge" else BadCollection):
        await place.restore(small, "cats")
    assert await place.physicals() == ()
    assert names_in(tmp_path / "store") == []
    await server.close()


@pytest.mark.anyio
async def test_a_client_without_a_server_says_that_it_makes_no_snapshots(tmp_path: Path) -> None:
    catalogue = ServerCatalogue(StoreSettings(url=":memory:"))
    physical, _ = await catalogue.create("pets", SPEC)
    with pytest.raises(BadCollection, match=r"store\.url to a server"):
        await catalogue.snapshot(physical, tmp_path / "x.snap")
    assert not (tmp_path / "x.snap").exists()
    await catalogue.close()
