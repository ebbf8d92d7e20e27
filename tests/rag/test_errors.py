"""The tree at the top of `rag/errors.py` is the tree of the classes."""

import inspect
import re

import pytest

from rag import errors
from rag.errors import BadInput, Conflict, NotFound, Overloaded, RagError, Refused, Unavailable

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]


def drawn() -> dict[str, str]:
    """Return class name → parent's name, as the module's docstring draws them."""
    parents: dict[str, str] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"([│ ]*(?:[├└]── )?)([A-Z]\w+)(?:\s{2,}|$)", line):
            depth = len(match[1]) // 4
            above[depth:] = [match[2]]
            parents[match[2]] = above[depth - 1] if depth else "Exception"
    return parents


def test_the_drawn_tree_is_the_real_one() -> None:
    assert drawn() == {
        kind.__name__: kind.__bases__[0].__name__
        for kind in CLASSES
        if kind.__module__ == "rag.errors"
    }


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_falls_under_one_of_the_six_that_faces_map(kind: type) -> None:
    families = [
        family
        for family in (BadInput, Refused, NotFound, Conflict, Overloaded, Unavailable)
        if issubclass(kind, family)
    ]
    assert kind is RagError or len(families) == 1
    assert issubclass(kind, RagError)
