"""`firstcite migrate` between stores that are folders, and what it refuses."""

import asyncio
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from indexers.stores.edge import create_edge, open_edge
from rag.cli.migrate import _place
from rag.sections import Secret, StoreSettings
from tests.cli.outcome import Firstcite
from tests.seams.points import SPEC, id_of, ids_in, point

BUILT = replace(SPEC, chunks=3, terms=3)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a collection "default" of three chunks."""
    folder = tmp_path_factory.mktemp("made")

    async def make() -> None:
        store = create_edge(folder / "default", BUILT)
        await store.put([point(n, {1: 1.0}) for n in (1, 2, 3)])
        await store.close()

    asyncio.run(make())
    return folder


@pytest.fixture
def here(tmp_path: Path, made: Path) -> Path:
    """The working folder, with that store as "old"."""
    shutil.copytree(made, tmp_path / "old")
    return tmp_path


def held(folder: Path) -> list[str]:
    async def look() -> list[str]:
        store = open_edge(folder)
        assert await store.info() == BUILT
        found = await ids_in(store)
        await store.close()
        return found

    return asyncio.run(look())


def test_a_collection_is_copied_and_running_it_again_sends_nothing(
    firstcite: Firstcite, here: Path
) -> None:
    done = firstcite("migrate", "--from", "old", "--to", "new")
    assert done.code == 0
    assert re.match(r"default: 3 chunks and 0 records at new, 3 chunks of them sent in ", done.out)
    assert "copying chunks: 3 of 3" in done.err
    assert held(here / "new" / "default@1") == held(here / "old" / "default")
    assert "0 chunks of them sent" in firstcite("migrate", "--from", "old", "--to", "new").out


def test_another_collection_at_the_target_is_kept_unless_it_is_to_be_replaced(
    firstcite: Firstcite, here: Path
) -> None:
    async def other() -> None:
        store = create_edge(here / "new" / "default", replace(BUILT, splitter="other", dimension=7))
        await store.close()

    asyncio.run(other())
    refused = firstcite("migrate", "--from", "old", "--to", "new")
    assert refused.code == 1
    assert "the target holds another collection of that name" in refused.error
    assert firstcite("migrate", "--from", "old", "--to", "new", "--replace").code == 0
    assert not (here / "new" / "default").exists()
    assert held(here / "new" / "default@1") == [id_of(n) for n in (1, 2, 3)]


@pytest.mark.usefixtures("here")
def test_one_that_somebody_has_open_is_not_replaced(firstcite: Firstcite) -> None:
    assert firstcite("migrate", "--from", "old", "--to", "new").code == 0
    opened = open_edge(Path("new/default@1"))
    refused = firstcite("migrate", "--from", "old", "--to", "new", "--replace")
    asyncio.run(opened.close())
    assert refused.code == 1
    assert "open in another process" in refused.error
    assert held(Path("new/default@1")) == [id_of(n) for n in (1, 2, 3)]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--from", "old", "--to", "old/../old"), 2, "the same store"),
        (("--from", "new", "--to", "old"), 1, "no collection 'default' in new"),
        (("--from", "old", "--to", "new", "-c", "../x"), 2, "'../x' is no collection name"),
        (("--from", "old", "--to", "new", "-c", ".."), 2, "'..' is no collection name"),
        (("--from", "old", "--to", "ftp://x"), 2, "store.url is 'ftp://x'"),
        (("--from", "old", "--to", "http://127.0.0.1:9"), 1, "Is the server of store.url up?"),
    ],
)
def test_what_cannot_be_copied_is_said(
    firstcite: Firstcite,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    says: str,
) -> None:
    monkeypatch.setenv("FIRSTCITE__STORE__RETRIES", "0")
    monkeypatch.setenv("FIRSTCITE__STORE__GRPC", "false")
    refused = firstcite("migrate", *arguments)
    assert refused.code == code
    assert says in refused.err
    assert not Path("new").exists()


def test_a_key_goes_to_its_own_server_only(tmp_path: Path) -> None:
    mine = StoreSettings(url="https://mine:6333", api_key=Secret("hush"))
    assert _place(mine, "https://mine:6333", None).api_key == "hush"
    assert _place(mine, "https://other:6333", None).api_key == ""
    folder = _place(mine, "folder", None)
    assert (folder.path, folder.url, folder.api_key) == ("folder", "", "")
    (tmp_path / "key").write_text("other key\n")
    assert _place(mine, "https://other:6333", tmp_path / "key").api_key == "other key"
