"""What `docs/experiments.md` says of an experiment's file is what the program reads."""

import dataclasses
import re
import typing
from pathlib import Path

import msgspec
import pytest

from eval.experiments.definition import TABLES, read_definition
from tests.docs.test_documents import BLOCK, ROOT, page, rows

SPOKEN = {"collections", "systems", "systems.rerank", "prices", "analysis"}
FILES = [ROOT / folder / "experiment.toml" for folder in ("examples", "eval/results/experiment")]


def shown(default: object) -> str:
    """Return a default as the table shows it."""
    if default in ("", (), {}, None):
        return "empty"
    return msgspec.json.encode(default).decode()


def expected() -> dict[str, tuple[str, str]]:
    """Return what should stand in the table: default and sentence by key; "" where none is said."""
    found = {}
    for table, kind in TABLES.items():
        hints = typing.get_type_hints(kind, include_extras=True)
        for field in _fields(kind):
            key = f"{table}.{field[0]}".removeprefix(".")
            if key not in SPOKEN:
                said = getattr(hints[field[0]], "__metadata__", ())
                sentences = [one.description for one in said if getattr(one, "description", "")]
                found[key] = (field[1], (sentences or [""])[0].strip("`"))
    return found


def _fields(kind: type) -> list[tuple[str, str]]:
    if issubclass(kind, msgspec.Struct):
        every = msgspec.structs.fields(kind)
        return [(one.name, "wanted" if one.required else shown(_default(one))) for one in every]
    assert dataclasses.is_dataclass(kind)
    missing = dataclasses.MISSING
    return [
        (one.name, "wanted" if one.default is missing else shown(one.default))
        for one in dataclasses.fields(kind)
    ]


def _default(field: msgspec.structs.FieldInfo) -> object:
    factory = field.default_factory
    return field.default if factory is msgspec.NODEFAULT else factory()


def test_every_key_stands_in_the_table_with_its_default_and_what_it_says() -> None:
    three = [row for row in rows(page("docs/experiments.md")) if len(row) == 3]
    table = {key: (default.strip("`"), said) for key, default, said in three}
    wanted = expected()
    assert {key: table[key][0] for key in table if key in wanted} == {
        key: default for key, (default, _) in wanted.items()
    }
    for key, (_, said) in wanted.items():
        assert not said or table[key][1] == said, key
        assert table[key][1]


def test_the_page_shows_an_experiment_that_can_be_read(tmp_path: Path) -> None:
    (example,) = (b for lang, b in BLOCK.findall(page("docs/experiments.md")) if lang == "toml")
    file = tmp_path / "experiment.toml"
    file.write_text(example, encoding="utf-8")
    assert len(read_definition(file, tmp_path).systems) >= 4


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_committed_experiments_can_be_read(file: Path, tmp_path: Path) -> None:
    found = read_definition(file, tmp_path)
    assert len(found.systems) >= 4
    assert found.analysis.baseline


def test_kinds_of_collections_are_told() -> None:
    text = page("docs/experiments.md")
    for kind in ("beir", "trec", "qa"):
        assert re.search(rf"^\| `{kind}` \|", text, re.MULTILINE)
