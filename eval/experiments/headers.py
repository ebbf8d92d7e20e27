"""The head of a run file: where it comes from, as ir_metadata has it, in comments.

The parts of PRIMAD that a program knows: platform, implementation, method, data. "ir_metadata",
SIGIR 2022; the research goal and the actors are whoever's who publishes the run.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from eval.experiments.definition import SystemTable
from eval.experiments.running import CollectionRun, SystemRun


def header(system: SystemRun, run: CollectionRun, said: Mapping[str, object]) -> str:
    """Return the lines of a system's run over a collection.

    Args:
        system: whose run it is.
        run: over which collection.
        said: `eval.provenance`.
    """
    tested = run.tested
    method = {"automatic": True, "foreign": bool(system.system.run), **asked(system.system)}
    parts: dict[str, object] = {
        "platform": {"hardware": said.get("machine"), "software": said.get("versions")},
        "implementation": {
            "executable": {"cmd": said.get("command")},
            "source": {"commit": said.get("commit")},
            "time": said.get("time"),
        },
        "method": method,
        "data": {
            "test_collection": {
                "name": tested.name,
                "split": tested.split,
                "queries": len(tested.queries),
                "documents": run.corpus.documents,
                "sha256": run.corpus.fingerprint,
            }
        },
    }
    lines = ["ir_metadata.start", *_yaml(parts), "ir_metadata.end"]
    return "\n".join(lines)


def asked(system: SystemTable) -> dict[str, object]:
    """Return what a system's table asks for beyond the usual; no path of this machine."""
    usual = SystemTable("")
    return {
        key: cut(value)
        for key, value in msgspec.to_builtins(system).items()
        if value != msgspec.to_builtins(usual)[key]
    }


def cut(value: object) -> object:
    """Return a value with absolute paths in it cut to their last part.

    >>> cut({"llm": {"model": "/models/tiny"}, "expand": ["rm3"]})
    {'llm': {'model': 'tiny'}, 'expand': ['rm3']}
    """
    if isinstance(value, Mapping):
        return {key: cut(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [cut(one) for one in value]
    is_path = isinstance(value, str) and Path(value).is_absolute()
    return Path(str(value)).name if is_path else value


def _yaml(values: Mapping[str, object], indent: str = "") -> Iterator[str]:
    """Yield the lines of a mapping; scalars and lists are written as JSON, which YAML can read."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield f"{indent}{key}:"
            yield from _yaml(value, f"{indent}  ")
        else:
            yield f"{indent}{key}: {msgspec.json.encode(value).decode()}"
