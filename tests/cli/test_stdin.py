"""`firstcite index -` reads standard input."""

import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.model


def test_rows_come_in_by_standard_input(tmp_path: Path, script: Path) -> None:
    rows = b'{"_id": "ada", "text": "Ada runs the print shop."}\n{"text": "nobody"}\n'
    done = subprocess.run([script, "index", "-"], cwd=tmp_path, input=rows, capture_output=True)
    assert done.returncode == 3
    assert done.stdout.startswith(b"default: 1 documents, 1 chunks")
    assert b"skipped stdin:2: no _id" in done.stderr
