"""The image holds the program, and runs it as somebody who may do little."""

import re
import shlex
import tomllib

import msgspec

from rag.settings import PREFIX, load_settings
from tests.docs.deployment import ROOT, compose, mounts, page
from tests.docs.test_documents import parse

TEXT = re.sub(r"\\\n\s*", "", page("Dockerfile"))
STAGES = [stage.splitlines() for stage in re.split(r"^(?=FROM )", TEXT, flags=re.MULTILINE)[1:]]
PROJECT = tomllib.loads(page("pyproject.toml"))


def said(instruction: str, stage: int = -1) -> list[str]:
    """The arguments of every instruction of a kind."""
    head = f"{instruction} "
    return [line.removeprefix(head) for line in STAGES[stage] if line.startswith(head)]


def environment() -> dict[str, str]:
    words = (word for line in said("ENV") for word in shlex.split(line))
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def test_what_builds_it_stays_behind() -> None:
    bases = [stage[0].split()[1] for stage in STAGES]
    assert len(STAGES) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", bases[0])
    assert said("COPY") == ["--from=build /venv /venv"]


def test_it_does_not_run_as_root() -> None:
    (user,) = said("USER")
    assert any(f"--uid 10001 {user}" in line for line in said("RUN"))
    lines = [line for line in STAGES[-1] if line]
    after = lines[lines.index(f"USER {user}") + 1 :]
    assert not any(line.startswith("USER") for line in after)


def test_everything_that_is_copied_is_there_and_every_package_is_copied() -> None:
    copied = [word for line in said("COPY", 0) for word in shlex.split(line)[:-1]]
    for source in copied:
        assert (ROOT / source).exists()
    ignored = page(".dockerignore").splitlines()
    assert not set(copied) & set(ignored)
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {*packages, "pyproject.toml", PROJECT["project"]["readme"], "LICENSE"} <= set(copied)


def test_it_installs_what_setup_installs() -> None:
    commands = " ".join(said("RUN", 0))
    (extras,) = re.findall(r"'\.\[([\w,-]+)\]'", commands)
    assert set(extras.split(",")) <= set(PROJECT["project"]["optional-dependencies"])
    pinned = dict(line.split("==") for line in page("constraints.txt").splitlines() if "==" in line)
    for name, wanted in re.findall(r"([\w-]+)==([\d.]+)", commands):
        assert pinned.get(name, wanted) == wanted
        assert f"{name}=={wanted}" in page("Makefile")


def test_its_command_and_its_settings_are_the_programs() -> None:
    (entry,), (command,) = said("ENTRYPOINT"), said("CMD")
    parse(shlex.join([*msgspec.json.decode(entry), *msgspec.json.decode(command)]))
    ours = {name: value for name, value in environment().items() if name.startswith(PREFIX)}
    (volume,) = said("VOLUME")
    assert load_settings(None, ours).store.path.startswith(volume)
    assert environment()["XDG_CACHE_HOME"].startswith(volume)
    (workdir,) = said("WORKDIR")
    assert f"{workdir}/.firstcite" == volume  # where keys and jobs are by default
    targets = [target for _, target in mounts(compose()["services"]["api"])]
    assert targets == [volume]
