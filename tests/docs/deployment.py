"""What the files of a deployment say: compose.yaml as Docker Compose would read it."""

import itertools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "docs" / "deploy"
SNIPPETS = sorted(path.name for path in DEPLOY.glob("*.env"))
Yaml = dict[str, Any]

_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::-([^}]*))?\})")


def page(name: str) -> str:
    """The text of a file of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def variables(text: str) -> set[str]:
    """The names that a text interpolates."""
    return {found[1] for found in _VARIABLE.finditer(text) if found[1]}


def compose(environment: Mapping[str, str] | None = None) -> Yaml:
    """compose.yaml, interpolated; a variable that is not set is its default, or empty."""
    given = environment or {}

    def put(found: re.Match[str]) -> str:
        return given.get(found[1]) or found[2] or "" if found[1] else "$"

    def deep(value: Any) -> Any:  # noqa: ANN401 - YAML
        if isinstance(value, str):
            return _VARIABLE.sub(put, value)
        if isinstance(value, list):
            return [deep(one) for one in value]
        if isinstance(value, dict):
            return {key: deep(one) for key, one in value.items()}
        return value

    found: Yaml = deep(yaml.safe_load(page("compose.yaml")))
    return found


def snippet(*names: str) -> dict[str, str]:
    """The variables of files in docs/deploy."""
    lines = [line for name in names for line in (DEPLOY / name).read_text().splitlines()]
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def profiles() -> list[str]:
    """The names of all profiles."""
    services = compose()["services"].values()
    return sorted({name for service in services for name in service.get("profiles", ())})


def combinations() -> list[tuple[str, ...]]:
    """Every choice of profiles."""
    names = profiles()
    every = (itertools.combinations(names, count) for count in range(len(names) + 1))
    return [*itertools.chain(*every)]


def active(chosen: tuple[str, ...], found: Yaml | None = None) -> Yaml:
    """The services that run with some profiles."""
    services = (found or compose())["services"]
    return {
        name: service
        for name, service in services.items()
        if not service.get("profiles") or set(service["profiles"]) & set(chosen)
    }


def reached_as(services: Yaml) -> dict[str, list[str]]:
    """The services behind every name by which a service can be reached."""
    names: dict[str, list[str]] = {}
    for name, service in services.items():
        networks = service["networks"]
        given = networks.values() if isinstance(networks, dict) else ()
        aliases = [alias for one in given for alias in (one or {}).get("aliases", ())]
        for known in (name, *aliases):
            names.setdefault(known, []).append(name)
    return names


def mounts(service: Yaml) -> Iterator[tuple[str, str]]:
    """The source and the target of every mount."""
    for mount in service.get("volumes", ()):
        if isinstance(mount, str):
            source, target = mount.split(":")[:2]
            yield source, target
        else:
            yield mount["source"], mount["target"]
