"""Files for readers."""

from pathlib import Path

import pytest

from tests.indexers.reading.giving import Write


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file below the folder `in`, and returns it."""

    def _write(name: str, content: bytes) -> Path:
        file = tmp_path / "in" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return file

    return _write
