"""Collections are shown, counted, deleted, saved, restored and verified by command."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from indexers.bulk import index
from indexers.encoders.hashed import HashedEncoder
from indexers.stores.catalogue_edge import EdgeCatalogue
from rag.seams import CollectionSpec
from rag.sections import StoreSettings
from rag.values import Document
from tests.cli.outcome import Firstcite
from tests.indexers.lossless import by_line
from tests.indexers.runs import BM25

SPEC = CollectionSpec("hashed", "hashed/16", 16, BM25.spec.fingerprint, "lines/1")
DOCUMENTS = [
    Document("guide", "freezer cold\npower out", metadata={"year": 2020}),
    Document("notes", "lantern oil", source="/nowhere/notes.md", metadata={"year": 2024}),
    Document("notes", "spaniel", tenant="other"),
]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the store in effect, with the collection `pets`."""
    folder = tmp_path / "store"
    monkeypatch.setenv("FIRSTCITE__STORE__PATH", str(folder))
    make(folder, "pets")
    return folder


def make(folder: Path, name: str, *, point: bool = True) -> None:
    async def work() -> None:
        catalogue = EdgeCatalogue(StoreSettings(path=str(folder)))
        physical, store = await catalogue.create(name, SPEC)
        await index(DOCUMENTS, by_line, HashedEncoder(16), BM25, store)
        await store.close()
        if point:
            await catalogue.point(name, physical)

    asyncio.run(work())


def names_in(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in folder.glob("*/collection.json"))


def test_collections_are_listed_with_what_they_are(firstcite: Firstcite, store: Path) -> None:
    make(store, "pets", point=False)
    outcome = firstcite("collections", "list")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines() == [
        "pets = pets@1: 3 documents, 4 chunks, hashed, lines/1",
        "(no name) = pets@2: 3 documents, 4 chunks, hashed, lines/1",
    ]
    first, second = json.loads(firstcite("collections", "list", "--json").out)
    assert (first["name"], first["settled"], second["name"]) == ("pets", True, "")


def test_a_second_name_is_dropped_without_the_collection(firstcite: Firstcite, store: Path) -> None:
    assert firstcite("collections", "alias", "live", "pets").out == "live: stands for pets@1\n"
    assert "live = pets@1" in firstcite("collections", "list").out
    outcome = firstcite("collections", "drop", "pets", "--yes")
    assert (outcome.code, outcome.out) == (0, "the name pets: deleted\n")
    assert names_in(store) == ["pets@1"]
    outcome = firstcite("collections", "drop", "live", "--yes")
    assert (outcome.code, outcome.out, names_in(store)) == (0, "pets@1: deleted\n", [])
    assert firstcite("collections", "alias", "live", "pets").code == 1


def test_a_collection_that_cannot_be_opened_is_listed_with_the_reason(
    firstcite: Firstcite, store: Path
) -> None:
    make(store, "cats")
    (store / "cats@1" / "collection.json").write_text("{")

    async def unsettled() -> None:
        opened = await EdgeCatalogue(StoreSettings(path=str(store))).open("pets@1")
        await opened.stamp(replace(await opened.info(), settled=False))
        await opened.close()

    asyncio.run(unsettled())
    cats, pets = firstcite("collections", "list").out.splitlines()
    assert cats.startswith("cats = cats@1: cannot read ")
    assert pets.endswith("lines/1; a run was ended before it was done: run it again")


@pytest.mark.parametrize("command", ["list", "list --json"])
def test_no_collection_is_no_error_and_makes_no_folder(
    firstcite: Firstcite, tmp_path: Path, command: str
) -> None:
    outcome = firstcite("collections", *command.split())
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.strip() in {"no collection yet: firstcite index PATH", "[]"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("store")
def test_info_tells_everything(firstcite: Firstcite) -> None:
    told = json.loads(firstcite("collections", "info", "pets", "--json").out)
    assert told["documents"] == {"default": 2, "other": 1}
    assert (told["chunks"], told["physical"], told["spec"]["splitter"]) == (4, "pets@1", "lines/1")
    assert told["bytes"] > 10_000
    shown = firstcite("collections", "info", "pets").out
    for part in ("hashed/16", "lines/1", "documents of other", "on disk", "schema_version"):
        assert part in shown


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "4 chunks of 3 documents"),
        (["--tenant", "other"], "1 chunks of 1 documents"),
        (["--filter", '{"metadata.year": {"lt": 2024}}'], "2 chunks of 1 documents"),
        (["--filter", '{"document_id": "notes"}', "--tenant", "default"], "1 chunks of 1 "),
    ],
)
def test_chunks_and_documents_are_counted(
    firstcite: Firstcite, options: list[str], says: str
) -> None:
    outcome = firstcite("collections", "count", "pets", *options)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith(says)


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("filters", ["{", '{"x": 1}', "[]"])
def test_a_bad_filter_is_bad_input(firstcite: Firstcite, filters: str) -> None:
    outcome = firstcite("collections", "count", "pets", "--filter", filters)
    assert outcome.code == 2
    assert "filter" in outcome.error


def test_a_collection_is_dropped_with_what_a_reindex_left(
    firstcite: Firstcite, store: Path
) -> None:
    make(store, "pets")
    make(store, "cats")
    outcome = firstcite("collections", "drop", "pets", "--yes")
    assert (outcome.code, outcome.out) == (0, "pets@1, pets@2: deleted\n")
    assert names_in(store) == ["cats@1"]
    assert json.loads((store / "aliases.json").read_bytes()) == {"cats": "cats@1"}


def test_what_a_name_stands_for_is_not_dropped_alone_but_what_it_left_is(
    firstcite: Firstcite, store: Path
) -> None:
    make(store, "pets")
    outcome = firstcite("collections", "drop", "pets@2", "--yes")
    assert outcome.code == 2
    assert "firstcite collections drop pets drops both" in outcome.error
    assert names_in(store) == ["pets@1", "pets@2"]
    assert firstcite("collections", "drop", "pets@1", "--yes").code == 0
    assert names_in(store) == ["pets@2"]


def test_dropping_asks(firstcite: Firstcite, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import io
    import sys

    for said, code, left in (("n\n", 2, ["pets@1"]), ("", 130, ["pets@1"]), ("y\n", 0, [])):
        monkeypatch.setattr(sys, "stdin", io.StringIO(said))
        assert firstcite("collections", "drop", "pets").code == code
        assert names_in(store) == left


def test_what_is_open_elsewhere_is_not_dropped_and_keeps_its_name(
    firstcite: Firstcite, store: Path
) -> None:
    opened = asyncio.run(EdgeCatalogue(StoreSettings(path=str(store))).open("pets@1"))
    outcome = firstcite("collections", "drop", "pets", "--yes")
    assert outcome.code == 1
    assert "open in another process" in outcome.error
    asyncio.run(opened.close())
    assert firstcite("collections", "count", "pets").out.startswith("4 chunks")


def test_a_snapshot_is_restored_under_a_name_and_replaces_only_when_told(
    firstcite: Firstcite, store: Path, tmp_path: Path
) -> None:
    file = str(tmp_path / "pets.snap")
    outcome = firstcite("collections", "snapshot", "pets", file)
    assert (outcome.code, outcome.out) == (0, f"pets@1: written to {file}\n")
    outcome = firstcite("collections", "restore", file, "pets")
    assert outcome.code == 2
    assert "--replace" in outcome.error
    assert names_in(store) == ["pets@1"]
    outcome = firstcite("collections", "restore", file, "pets", "--replace")
    assert (outcome.code, outcome.err) == (0, "")
    assert "pets@1 stays: firstcite collections drop pets@1" in outcome.out
    assert firstcite("collections", "restore", file, "cats").code == 0
    listed = firstcite("collections", "list").out
    assert listed.count("3 documents, 4 chunks") == 3
    assert "pets = pets@2" in listed
    assert "cats = cats@1" in listed
    (tmp_path / "bad.snap").write_bytes(b"text")
    outcome = firstcite("collections", "restore", str(tmp_path / "bad.snap"), "pets", "--replace")
    assert outcome.code == 2
    assert "no snapshot" in outcome.error
    assert "pets = pets@2" in firstcite("collections", "list").out


def test_damage_is_told_with_the_remedy_which_works(firstcite: Firstcite, store: Path) -> None:
    assert firstcite("collections", "verify", "pets").out == (
        "pets@1: 3 documents, 4 chunks; nothing is wrong\n"
    )

    async def damage() -> None:
        opened = await EdgeCatalogue(StoreSettings(path=str(store))).open("pets@1")
        (record,) = await opened.records("default", ["notes"])
        ((point,),) = [page async for page in opened.scan(record)]
        await opened.put([replace(point, chunk=replace(point.chunk, text="LANTERN OIL"))])
        await opened.close()

    async def mend() -> None:
        opened = await EdgeCatalogue(StoreSettings(path=str(store))).open("pets@1")
        report = await index(DOCUMENTS, by_line, HashedEncoder(16), BM25, opened)
        assert (report.new, report.unchanged) == (1, 2)
        await opened.close()

    asyncio.run(damage())
    outcome = firstcite("collections", "verify", "pets")
    assert outcome.code == 3
    first, last = outcome.out.splitlines()
    assert first == (
        "default/notes: its text is not the one that was indexed: index it again: firstcite "
        "collections verify pets --drop-damaged, then firstcite index /nowhere/notes.md "
        "--collection pets"
    )
    assert last == "pets@1: 3 documents, 4 chunks; 1 problems"
    report = json.loads(firstcite("collections", "verify", "pets", "--json").out)
    assert (report["counts"]["problems"], len(report["problems"])) == (1, 1)
    assert firstcite("collections", "verify", "pets", "--drop-damaged").code == 3
    asyncio.run(mend())
    assert firstcite("collections", "verify", "pets").code == 0


@pytest.mark.usefixtures("store")
def test_stale_sources_are_no_damage(firstcite: Firstcite) -> None:
    outcome = firstcite("collections", "verify", "pets", "--sources")
    assert outcome.code == 0
    assert outcome.out.splitlines() == [
        "stale default/notes: /nowhere/notes.md has vanished",
        "pets@1: 3 documents, 4 chunks; nothing is wrong; 1 stale",
    ]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("command", ["info", "count", "drop", "verify"])
def test_a_collection_that_is_not_there_is_named(firstcite: Firstcite, command: str) -> None:
    outcome = firstcite("collections", command, "nope")
    assert outcome.code == 1
    assert "firstcite index PATH --collection nope" in outcome.error
    assert firstcite("collections", command, "../x").code == 2
    assert firstcite("collections", command, "pets@9").code == 2
