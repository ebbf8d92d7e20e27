"""The code that decides a stage is told apart by its hash."""

from importlib.util import find_spec

import pytest

from eval.experiments.sources import SOURCES, sources


@pytest.mark.parametrize("name", sorted({name for of in SOURCES.values() for name in of}))
def test_every_source_is_there(name: str) -> None:
    assert find_spec(name)


def test_every_kind_of_stage_has_code_of_its_own() -> None:
    assert sources().keys() == SOURCES.keys()
    assert len(set(sources().values())) == len(SOURCES)
