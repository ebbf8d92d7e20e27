"""Provenance: enough to make a figure again, and nothing about whose machine it was."""

import json
import os
import re
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from eval.provenance import PACKAGES, command, commit, cpu_name, provenance, versions

ABSOLUTE = re.compile(r"(?<![\w.~-])/[\w.-]+/[\w.-]+")


def test_no_absolute_path_of_the_machine_is_in_it() -> None:
    text = json.dumps(provenance())
    assert not ABSOLUTE.search(text), text
    for private in (str(Path.cwd()), str(Path.home()), sys.prefix, os.uname().nodename):
        assert f'"{private}' not in text
        assert len(private) < 5 or private not in text


def test_it_says_what_is_needed_to_make_the_figure_again() -> None:
    found = provenance()
    assert set(found) == {"commit", "dirty", "command", "time", "machine", "versions"}
    assert found["dirty"] == str(found["commit"]).endswith("-dirty")
    machine = found["machine"]
    assert isinstance(machine, dict)
    assert machine["cores"] == os.cpu_count()
    assert machine["memory_gib"] > 0
    assert machine["python"] == ".".join(map(str, sys.version_info[:3]))
    assert machine["cpu"] == cpu_name() != ""


def test_time_is_utc_to_the_second() -> None:
    time = datetime.fromisoformat(str(provenance()["time"]))
    assert time.utcoffset() == timedelta(0)
    assert time.microsecond == 0


def test_the_version_of_every_package_is_named() -> None:
    found = versions()
    assert tuple(found) == PACKAGES
    assert found["numpy"].split(".")[0].isdigit()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/opt/bin/firstcite", "eval", "run", "/data/x"], "firstcite eval run x"),
        (["firstcite", "eval", "data/x", "--out", "/data/a/b"], "firstcite eval data/x --out b"),
        (["firstcite", "--out=/data/a/b"], "firstcite --out=b"),
        (["firstcite", "/data/two words/"], "firstcite 'two words'"),
        (["/src/rag/__main__.py", "search", "a / b"], "python -m rag search 'a / b'"),
        (["/src/eval/bench.py", "--out", "x"], "python -m eval.bench --out x"),
        (["firstcite", "/"], "firstcite ''"),
    ],
)
def test_the_command_can_be_typed_again_and_names_no_folder_of_the_machine(
    arguments: list[str], said: str
) -> None:
    assert command(arguments) == said


def test_the_commit_is_that_of_this_checkout() -> None:
    git = ("git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD")
    done = subprocess.run(git, capture_output=True, text=True, check=False)
    if done.returncode:
        assert commit() == ""
    else:
        assert commit().removesuffix("-dirty") == done.stdout.strip()
