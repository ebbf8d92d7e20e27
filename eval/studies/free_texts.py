"""Texts that a shipped model may be trained on: `python -m eval.studies.free_texts --out FOLDER`.

The documentation strings of installed packages with a permissive licence, which are there wherever
FirstCite is set up: a page per string, its summary line the title, in JSON Lines, a file per
package, and `sources.json` with version, licence, SHA-256 and number of pages.
"""

import argparse
import ast
import inspect
import re
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

import msgspec

from rag.folders import sha256
from rag.values import Frozen

LEAST_WORDS = 60  # chosen: of a page; a shorter one tells no more than its title
TITLE_WORDS = (4, 24)  # chosen: "Fit." asks for nothing, more than a line is no summary
_PERMISSIVE = re.compile(r"\b(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|Unlicense|CC0)\b")
_OTHER = re.compile(r"\b(A?GPL|LGPL|MPL|EPL|proprietary)\b", re.IGNORECASE)
_ENDS = re.compile(r"[.!?]$")
_TESTS = re.compile(r"(^|/)(tests?|testing|_vendor|vendor)(/|$)")


@dataclass(frozen=True, slots=True)
class Page(Frozen):
    """A documentation string: where it stands, its first line, and the rest."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Package(Frozen):
    """Where pages come from."""

    name: str
    version: str
    licence: str
    pages: int
    sha256: str


def licence(of: Distribution) -> str:
    """Return the permissive licence that a package declares; "" for another one, or none."""
    kinds = [c for c in of.metadata.get_all("Classifier") or () if c.startswith("License ::")]
    told = _line(of, "License-Expression") or " ".join(kinds) or _line(of, "License")
    if _OTHER.search(told) or not _PERMISSIVE.search(told):
        return ""
    return told.replace("License :: OSI Approved :: ", "")


def _line(of: Distribution, key: str) -> str:
    """Return the first line of what metadata say under a key; "" where they say nothing."""
    return of.metadata[key].split("\n")[0] if key in of.metadata else ""


def pages(source: str, module: str) -> Iterator[Page]:
    r"""Yield the documentation strings of a module that say enough.

    >>> text = "Return the mean of numbers.\n\n" + "It is their sum by their count. " * 12
    >>> [page.title for page in pages(f'def mean():\n    {text!r}\n', "m")]
    ['Return the mean of numbers.']
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about escapes in other people's strings
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError):
            return
    told: Counter[str] = Counter()  # a property and its setter have one name
    for name, node in _documented(tree, module):
        title, text = _parts(ast.get_docstring(node, clean=False) or "")
        least, most = TITLE_WORDS
        if least <= len(title.split()) <= most and len(text.split()) >= LEAST_WORDS:
            told[name] += 1
            yield Page(name if told[name] == 1 else f"{name}~{told[name]}", title, text)


_Node = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _documented(node: _Node, name: str) -> Iterator[tuple[str, _Node]]:
    yield name, node
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _documented(child, f"{name}.{child.name}")


def _parts(docstring: str) -> tuple[str, str]:
    """Return the first paragraph on a line, and the rest."""
    first, _, rest = inspect.cleandoc(docstring).partition("\n\n")
    title = " ".join(first.split())
    return (title if _ENDS.search(title) else ""), rest.strip()


def written(of: Distribution, out: Path) -> Package | None:
    """Write the pages of a package; return what it is, None where none may be taken."""
    told, name = licence(of), of.metadata["Name"]
    if not told:
        return None
    found: dict[str, Page] = {}
    for file in sorted(of.files or (), key=str):
        if file.suffix == ".py" and not _TESTS.search(str(file.parent)):
            found |= {page.text: page for page in _of(Path(str(file.locate())), str(file))}
    if not found:
        return None
    lines = [{"_id": p.id, "title": p.title, "text": p.text} for p in found.values()]
    made = out / f"{name}.jsonl"
    made.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    return Package(name, of.version, told, len(lines), sha256(made))


def _of(file: Path, name: str) -> Iterator[Page]:
    try:
        source = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    yield from pages(source, name.removesuffix(".py").replace("/", "."))


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the pages of all packages that are installed, or of those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--package", action="append", default=[], help="by default all")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    wanted = {name.lower() for name in options.package}
    sources = [
        package
        for one in sorted(distributions(), key=lambda one: one.metadata["Name"].lower())
        if not wanted or one.metadata["Name"].lower() in wanted
        if (package := written(one, options.out)) is not None
    ]
    (options.out / "sources.json").write_bytes(
        msgspec.json.format(msgspec.json.encode(sources)) + b"\n"
    )
    total = sum(package.pages for package in sources)
    sys.stdout.write(f"{total:,} pages of {len(sources)} packages in {options.out}\n")


if __name__ == "__main__":
    main()
