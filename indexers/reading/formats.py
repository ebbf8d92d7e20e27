"""The formats that can be read: the end of a file's name, and its reader."""

import pkgutil
from collections.abc import Mapping
from typing import cast

from indexers.reading.inputs import Reader
from indexers.reading.rows import read_json, read_json_lines
from indexers.reading.tables import read_csv
from indexers.reading.texts import read_markdown, read_text, reads_code
from indexers.reading.trec import read_trec
from indexers.reading.unpacking import read_zip

LANGUAGES: Mapping[str, str] = {
    "bash": ".sh .bash .zsh",
    "c": ".c .h",
    "clojure": ".clj .cljs",
    "cmake": ".cmake",
    "cpp": ".cpp .cc .cxx .hpp .hh .hxx",
    "csharp": ".cs",
    "css": ".css .scss .less",
    "dart": ".dart",
    "elixir": ".ex .exs",
    "erlang": ".erl",
    "fortran": ".f90 .f95",
    "go": ".go",
    "graphql": ".graphql",
    "groovy": ".groovy .gradle",
    "haskell": ".hs",
    "ini": ".ini .cfg .conf",
    "java": ".java",
    "javascript": ".js .jsx .mjs .cjs",
    "julia": ".jl",
    "kotlin": ".kt .kts",
    "lua": ".lua",
    "matlab": ".m",
    "nix": ".nix",
    "ocaml": ".ml .mli",
    "perl": ".pl .pm",
    "php": ".php",
    "powershell": ".ps1",
    "proto": ".proto",
    "python": ".py .pyi",
    "r": ".r",
    "ruby": ".rb",
    "rust": ".rs",
    "scala": ".scala",
    "sql": ".sql",
    "swift": ".swift",
    "terraform": ".tf",
    "toml": ".toml",
    "typescript": ".ts .tsx",
    "vue": ".vue",
    "xml": ".xml .xsd .xsl",
    "yaml": ".yaml .yml",
    "zig": ".zig",
}
"""Programming language → how its files' names end."""

_HTML = "indexers.reading.markup:read_html"

FORMATS: Mapping[str, Reader | str] = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".txt": read_text,
    ".text": read_text,
    ".rst": read_text,
    ".log": read_text,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".json": read_json,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".trec": read_trec,
    ".trectext": read_trec,
    ".sgml": read_trec,
    ".sgm": read_trec,
    ".zip": read_zip,
    ".html": _HTML,
    ".htm": _HTML,
    ".xhtml": _HTML,
    ".pdf": "indexers.reading.pdf:read_pdf",
    ".docx": "indexers.reading.word:read_docx",
    ".pptx": "indexers.reading.slides:read_pptx",
    ".xlsx": "indexers.reading.sheets:read_xlsx",
    ".xlsm": "indexers.reading.sheets:read_xlsx",
    ".parquet": "indexers.reading.parquet:read_parquet",
    ".eml": "indexers.reading.mail:read_mail",
    **{end: reads_code(language) for language, ends in LANGUAGES.items() for end in ends.split()},
}
"""Reader by the end of the file's name; one that runs in a process of its own, by its name."""

PACKED = ".gz"


def format_of(name: str) -> str:
    """Return the key of `FORMATS` that a file's name ends with, or an empty string.

    >>> format_of("Notes.MD"), format_of("corpus.jsonl.gz"), format_of("photo.png")
    ('.md', '.jsonl', '')
    """
    _, dot, end = name.lower().removesuffix(PACKED).rpartition(".")
    return dot + end if dot + end in FORMATS else ""


def reader_of(end: str) -> Reader:
    """Return the reader of a format, its libraries loaded."""
    reader = FORMATS[end]
    return cast("Reader", pkgutil.resolve_name(reader)) if isinstance(reader, str) else reader
