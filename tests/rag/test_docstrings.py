"""Whatever can be imported from `rag` says in one sentence what it is."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import rag


def named(module: ModuleType) -> Iterator[tuple[str, object]]:
    """Yield the module, its public functions and classes, and the classes' public methods."""
    yield module.__name__, module
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", "") != module.__name__:
            continue
        if inspect.isfunction(thing) or inspect.isclass(thing):
            yield f"{module.__name__}.{name}", thing
        if inspect.isclass(thing):
            for member, method in vars(thing).items():
                if not member.startswith("_") and (
                    inspect.isfunction(method) or isinstance(method, property)
                ):
                    yield f"{module.__name__}.{name}.{member}", method


def everything() -> Iterator[tuple[str, object]]:
    """Yield what `named` does of every module of `rag`."""
    for module in pkgutil.walk_packages(rag.__path__, "rag."):
        yield from named(importlib.import_module(module.name))
    yield from named(rag)


def first_line(thing: object) -> str:
    return (inspect.getdoc(thing) or "").split("\n", 1)[0]


def test_the_first_line_of_every_docstring_is_a_sentence() -> None:
    wanting = {
        name: first_line(thing)
        for name, thing in everything()
        if not first_line(thing).endswith((".", "?"))
    }
    assert wanting == {}


def test_what_a_docstring_says_it_raises_is_an_error_that_exists() -> None:
    errors = vars(importlib.import_module("rag.errors")) | vars(importlib.import_module("builtins"))
    for name, thing in everything():
        _, _, raises = (inspect.getdoc(thing) or "").partition("\nRaises:\n")
        for line in raises.splitlines():
            if line.startswith("    ") and not line.startswith("     ") and ":" in line:
                for error in line.split(":")[0].split(","):
                    assert error.strip() in errors, f"{name} raises {error.strip()}?"
