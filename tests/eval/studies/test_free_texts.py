"""Free texts: what is taken, and from whom."""

import json
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest

from eval.studies.free_texts import licence, main, pages

LONG = "It says more about what is done and why. " * 10


def test_a_page_has_its_summary_for_a_title_and_the_rest_for_a_text() -> None:
    source = f'''
class Freezer:
    """Keep what must stay cold for many hours.

    {LONG}
    """

    def open(self):
        """Open the door."""

    async def close(self):
        """Close the door and wait
        until the alarm is silent.

        {LONG}
        """

def untold():
    """This one has no end and no rest

    {LONG}
    """
'''
    found = list(pages(source, "lab.freezer"))
    assert [(page.id, page.title) for page in found] == [
        ("lab.freezer.Freezer", "Keep what must stay cold for many hours."),
        ("lab.freezer.Freezer.close", "Close the door and wait until the alarm is silent."),
    ]
    assert all(page.title not in page.text for page in found)


def test_definitions_of_one_name_are_pages_of_their_own() -> None:
    source = f'''
class Freezer:
    @property
    def degrees(self):
        """Return how cold it is inside.

        {LONG}
        """

    @degrees.setter
    def degrees(self, value):
        """Set how cold it shall be inside.

        {LONG} Twice.
        """
'''
    found = [page.id for page in pages(source, "lab")]
    assert found == ["lab.Freezer.degrees", "lab.Freezer.degrees~2"]


def test_what_is_no_python_has_no_pages() -> None:
    assert list(pages("def broken(:", "m")) == []


class Declared(Distribution):
    """A distribution that says no more than its licence."""

    def __init__(self, *lines: str) -> None:
        self._text = "\n".join(("Metadata-Version: 2.4", "Name: x", "Version: 1", *lines))

    def read_text(self, filename: str) -> str | None:
        return self._text if filename == "METADATA" else None

    def locate_file(self, path: object) -> Path:
        return Path(str(path))


@pytest.mark.parametrize(
    ("line", "taken"),
    [
        ("License-Expression: MIT", True),
        ("License-Expression: BSD-3-Clause AND MIT", True),
        ("Classifier: License :: OSI Approved :: Apache Software License", True),
        ("License-Expression: GPL-3.0-or-later", False),
        ("License-Expression: MIT OR LGPL-2.1", False),
        ("License: Proprietary", False),
        ("Summary: none", False),
    ],
)
def test_only_permissive_licences_are_taken(line: str, taken: bool) -> None:
    assert bool(licence(Declared(line))) == taken


def test_a_packages_pages_are_written_with_their_licence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--out", str(tmp_path), "--package", "click"])
    (source,) = json.loads((tmp_path / "sources.json").read_text("utf-8"))
    assert (source["name"], source["version"]) == ("click", distribution("click").version)
    assert "BSD" in source["licence"]
    lines = (tmp_path / "click.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == source["pages"] > 10
    assert {"_id", "title", "text"} == set(json.loads(lines[0]))
    assert f"{source['pages']:,} pages of 1 packages" in capsys.readouterr().out
