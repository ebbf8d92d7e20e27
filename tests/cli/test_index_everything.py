"""A folder with a file of every format, good and bad, through the command line and back."""

import gzip
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli.outcome import Firstcite, Outcome
from tests.indexers.reading import making
from tests.indexers.reading.test_formats import FILES
from tests.indexers.reading.test_hostile import BAD

pytestmark = pytest.mark.model

ENCODED = {
    "utf-8-sig.txt": "Käse\n\nDer Käse ist alt.".encode("utf-8-sig"),
    "utf-16.md": "# Käse\n\nDer Käse ist jung.".encode("utf-16"),
    "windows.txt": ("Der Käse für Jürgen kostet fünf Franken. " * 5).encode("cp1252"),
    "chinese.txt": ("样品冷冻机在没有电源的情况下可以保持低温两天。" * 9).encode("gb18030"),
}
ODD = {
    "two\nlines.md": b"# Two lines\n\nThis name has a line break.\n",
    "empty.txt": b"",
    "damaged.md.gz": b"\x1f\x8b" + b"x" * 20,
    "bomb.txt.gz": b"",  # filled in the fixture: it takes a while
}

OF_ROWS = {"rows.csv", "rows.parquet", "passages.tsv", "things.csv", "trec.sgml", "list.json"}
"""Their documents say themselves what they are called, and may come but once."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All these files, a zip of good ones, a link that loops, and one that leads out."""
    home = tmp_path_factory.mktemp("home")
    (home / "outside.txt").write_text("nobody named this file")
    folder = home / "in"
    folder.mkdir()
    bad: Mapping[str, bytes] = {name: data for name, (data, _) in BAD.items()}
    for name, data in {**FILES, **ENCODED, **ODD, **bad}.items():
        (folder / name).write_bytes(data)
    (folder / "bomb.txt.gz").write_bytes(gzip.compress(b" " * 70_000_000))
    alone = {name: data for name, data in FILES.items() if name not in OF_ROWS}
    (folder / "all.zip").write_bytes(making.zipped(alone))
    (folder / "loop").symlink_to(folder)
    (folder / "round.txt").symlink_to(folder / "round.txt")
    (folder / "out.txt").symlink_to(home / "outside.txt")
    return folder


GOOD = {*FILES, *ENCODED, "two\nlines.md"}
NO_FILES = {"empty.txt", "damaged.md.gz", "bomb.txt.gz", "round.txt", "out.txt"}


@pytest.fixture
def indexed(folder: Path, tmp_path: Path, firstcite: Firstcite) -> Outcome:
    """What `firstcite index` did with them."""
    return firstcite("index", str(folder), "--report", str(tmp_path / "report.jsonl"))


def _report(tmp_path: Path) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    *files, run = map(json.loads, (tmp_path / "report.jsonl").read_text().splitlines())
    return {os.path.basename(file["file"].partition("!/")[0]): file for file in files}, run  # noqa: PTH119


def test_every_good_file_is_in_the_index_and_every_bad_one_said(
    indexed: Outcome, tmp_path: Path, firstcite: Firstcite
) -> None:
    assert indexed.code == 3
    files, run = _report(tmp_path)
    status = {name: file["status"] for name, file in files.items()}
    assert {name for name in GOOD if status[name] != "indexed"} == set()
    assert {name for name in {*BAD, *NO_FILES} if status[name] != "failed"} == set()
    assert all(files[name]["faults"][0]["reason"] for name in {*BAD, *NO_FILES})
    assert set(status) == GOOD | set(BAD) | NO_FILES | {"all.zip"}
    assert files["report.pdf"]["pages"] == 3
    assert run["faults"] == len(BAD) + len(NO_FILES)
    checked = firstcite("collections", "verify", "default", "--sources", "--json")
    assert (checked.code, checked.err) == (0, "")
    verdict = json.loads(checked.out)
    assert verdict["counts"]["chunks"] == run["chunks"]
    assert (verdict["problems"], verdict["stale"]) == ([], [])
    found = firstcite("search", "line break in a name", "-k", "1", "--json")
    assert json.loads(found.out)["results"][0]["document_id"] == "in/two\nlines.md"
    assert "nobody named this" not in firstcite("search", "nobody named this file").out
    again = firstcite("index", str(folder_of(files)), "--report", str(tmp_path / "report.jsonl"))
    assert again.code == 3
    files, run = _report(tmp_path)
    assert (run["encoded"], run["new"], run["changed"], run["revised"]) == (0, 0, 0, 0)


def folder_of(files: Mapping[str, Mapping[str, str]]) -> Path:
    """The folder that a report is about."""
    return Path(files["report.pdf"]["file"]).parent
