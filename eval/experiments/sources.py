"""Hashes: of values, and of the code that decides what a stage makes."""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec

SOURCES: Mapping[str, tuple[str, ...]] = {
    "expand": ("rag.expand", "rag.rewrite", "rag.prompts", "rag.fuse"),
    "fuse": ("rag.fuse",),
    "iterate": ("rag.iterate", "rag.rewrite", "rag.prompts", "rag.fuse"),
    "rerank": ("rerankers", "rag.prompts"),
}
"""Packages and modules whose code and prompts decide a stage: with other ones it is done again."""


def digest(value: object) -> str:
    """Return the first 24 digits of the SHA-256 of a value's JSON, keys in order.

    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    text = msgspec.json.encode(value, enc_hook=str, order="sorted")
    return hashlib.sha256(text).hexdigest()[:24]


@cache
def sources() -> Mapping[str, str]:
    """Return the hash of the code of each kind of stage."""
    return {name: digest([_hash(package) for package in of]) for name, of in SOURCES.items()}


def _hash(name: str) -> list[str]:
    parent, _, last = name.rpartition(".")
    module = files(parent or name) / f"{last}.py"
    found = [module] if module.is_file() else sorted(files(name).iterdir(), key=lambda f: f.name)
    return [
        hashlib.sha256(file.read_bytes()).hexdigest()
        for file in found
        if file.name.endswith((".py", ".txt"))
    ]
