"""What the documents say is what the program does."""

import re
import shlex
import typing
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest

import rag.errors
from api.app import create_app
from api.problems import STATUS
from eval.tables import DOCUMENTS, renewed
from rag.cli.root import cli
from rag.errors import RagError
from rag.fuse import FUSIONS
from rag.settings import Settings, load_settings
from rag.wiring import Engine

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")])
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, code marks removed."""
    return [
        [cell.strip().strip("`") for cell in line.strip("| ").split(" | ")]
        for line in text.splitlines()
        if line.startswith("| ")
    ]


def shell_lines() -> list[tuple[str, str]]:
    found = []
    for file in PAGES:
        for language, body in BLOCK.findall(file.read_text(encoding="utf-8")):
            if language == "console":
                joined = body.replace("\\\n", " ")
                lines = [line[2:] for line in joined.splitlines() if line.startswith("$ ")]
                found += [(file.name, line) for line in lines]
    return found


def parse(command: str) -> None:
    """Parse a `firstcite …` line as click would, without running it."""
    words = shlex.split(command)
    context, arguments = click.Context(cli, info_name="firstcite"), words[1:]
    while arguments[0].startswith("--"):  # --settings FILE, --server URL
        arguments = arguments[2:]
    group: click.Command = cli
    while isinstance(group, click.Group):
        name, *arguments = arguments
        found = group.get_command(context, name)
        assert found is not None, f"no command {name}"
        group = found
    group.make_context(group.name or "", arguments, parent=context)


def test_there_are_console_blocks_to_check() -> None:
    assert len(shell_lines()) >= 8


@pytest.mark.parametrize(("file", "line"), shell_lines())
def test_every_command_in_a_console_block_is_one(
    file: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    first = shlex.split(line)[0]
    if first == "make":
        targets = re.findall(r"^([a-z-]+):", page("Makefile"), re.MULTILINE)
        assert shlex.split(line)[1] in targets, file
    elif first.endswith("firstcite"):
        parse(line.replace(" COLLECTION ", " examples/handbook "))
    else:
        # What docker is told, tests/docs/test_compose.py reads.
        assert first in {"curl", "docker", "cat", "mkdir"}, f"{file}: {line}"


def test_every_setting_stands_in_the_table_with_its_default_and_description() -> None:
    table = {row[0]: row[1:] for row in rows(page("docs/settings.md"))}
    expected = {}
    for section in msgspec.structs.fields(Settings):
        hints = typing.get_type_hints(type(section.default), include_extras=True)
        for field in msgspec.structs.fields(type(section.default)):
            said = [m.description for m in hints[field.name].__metadata__ if m.description]
            shown = msgspec.json.encode(field.default).decode() if field.default != "" else "empty"
            expected[f"{section.name}.{field.name}"] = [shown, said[0]]
    assert {k: v for k, v in table.items() if "." in k} == expected


def test_the_settings_example_is_valid(tmp_path: Path) -> None:
    (example,) = (b for lang, b in BLOCK.findall(page("docs/settings.md")) if lang == "toml")
    file = tmp_path / "firstcite.toml"
    file.write_text(example, encoding="utf-8")
    assert load_settings(file, {}).search.fusion == "rrf"


METHODS = {"GET", "POST", "PUT", "DELETE"}


def test_every_endpoint_stands_in_the_table() -> None:
    def never() -> Engine:
        raise AssertionError

    app = create_app(Settings(), never)
    routes = {
        f"{method} {route.path_format}"
        for route in app.routes
        for method in getattr(route, "methods", ())
        if method in METHODS and not route.path.startswith("/schema")
    }
    told = {row[0] for row in rows(page("docs/http.md")) if row[0].partition(" ")[0] in METHODS}
    assert told == routes


def test_every_error_is_drawn_in_the_tree_and_named_with_its_status() -> None:
    classes = [
        value
        for value in vars(rag.errors).values()
        if isinstance(value, type) and issubclass(value, RagError)
    ]
    tree, http = rag.errors.__doc__ or "", page("docs/http.md")
    for error in classes:
        assert error.__name__ in tree
        if not error.__subclasses__() and error.__name__ not in {"BadSettings", "BudgetExceeded"}:
            assert error.__name__ in http, f"{error.__name__} is missing in docs/http.md"
    for status in STATUS.values():
        assert f"| {status} |" in http


def leaves(group: click.Group, words: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, f"{words} {name}")
        else:
            yield f"{words} {name}", command


@pytest.mark.parametrize(("words", "leaf"), [*leaves(cli, "firstcite")])
def test_every_command_and_option_stands_in_the_command_page(
    words: str, leaf: click.Command
) -> None:
    lines = page("docs/cli.md").splitlines()
    (line,) = [row for row in lines if re.match(rf"\| `{words}[ `]", row)]
    for option in leaf.params:
        shown = max(option.opts, key=len)
        if isinstance(option, click.Option) and shown not in {"--collection", "--tenant"}:
            assert shown in line or option.opts[-1] in line, f"{words}: {shown}"


def test_every_fusion_is_documented() -> None:
    documented = {row[0] for row in rows(page("docs/fusion.md"))}
    assert set(FUSIONS) <= documented


@pytest.mark.parametrize("name", DOCUMENTS)
def test_tables_say_what_the_results_say(name: str) -> None:
    assert renewed(page(name)) == page(name), "run: python -m eval.tables"


@pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_link_leads_somewhere(file: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", file.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (file.parent / target).exists(), f"{file.name} links to {target}"


def test_ci_runs_the_commands_of_the_readme() -> None:
    targets = re.findall(r"^make ([a-z-]+)$", page(".ci/run"), re.MULTILINE)
    assert targets
    assert {"demo"} <= set(targets)
    assert {"test", "test-all"} & set(targets)
    for target in ("demo", "test"):
        assert f"make {target}" in page("README.md")
