"""Where a figure comes from: commit, machine, versions, command, time."""

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = "eval/results"
DIRTY = "-dirty"

PACKAGES = (
    "firstcite",
    "torch",
    "sentence-transformers",
    "transformers",
    "qdrant-edge-py",
    "qdrant-client",
    "haystack-ai",
    "litestar",
    "numpy",
    "scipy",
    "pyarrow",
)


def versions() -> Mapping[str, str]:
    """Return the installed version of every package that results depend on."""
    return {name: _version(name) for name in PACKAGES}


def provenance() -> dict[str, object]:
    """Return what a reader needs to make the same figure again; no path of this machine."""
    head = commit()
    return {
        "commit": head,
        "dirty": head.endswith(DIRTY),
        "command": command(sys.argv),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpu": cpu_name(),
            "cores": os.cpu_count() or 0,
            "memory_gib": memory_gib(),
            "system": platform.system(),
            "python": platform.python_version(),
        },
        "versions": dict(versions()),
    }


def command(arguments: Sequence[str]) -> str:
    """Return a command line as it is typed, absolute paths cut to their last part.

    >>> command(["/opt/bin/firstcite", "eval", "/data/scifact", "--out=/tmp/a b", "x/y"])
    "firstcite eval scifact '--out=a b' x/y"
    >>> command(["/opt/eval/bench.py", "--out", "x"])
    'python -m eval.bench --out x'
    >>> command(["/opt/eval/studies/quoting.py"])
    'python -m eval.studies.quoting'
    """
    program, *rest = arguments
    file = Path(program)
    within = file.parts[::-1].index("eval") + 1 if "eval" in file.parts else 2
    parts = file.with_suffix("").parts[-within:]
    module = ".".join(part for part in parts if part != "__main__")
    start = ["python", "-m", module] if file.suffix == ".py" else [program]
    return shlex.join(map(_last_part, [*start, *rest]))


def _last_part(argument: str) -> str:
    option, equals, value = argument.rpartition("=")
    return f"{option}{equals}{Path(value).name}" if Path(value).is_absolute() else argument


def commit() -> str:
    """Return the commit of this checkout; "" outside of one.

    With "-dirty" where anything but committed results was changed.
    """
    try:
        root = Path(_git("rev-parse", "--show-toplevel"))
        head = _git("rev-parse", "HEAD")
        changed = _git("status", "--porcelain", "--", str(root), f":(exclude){root}/{RESULTS}")
    except (OSError, subprocess.CalledProcessError):
        return ""
    if root.resolve() != ROOT.resolve():  # installed into somebody else's repository
        return ""
    return head + (DIRTY if changed else "")


def _git(*arguments: str) -> str:
    git = ("git", "-C", str(ROOT), *arguments)
    done = subprocess.run(git, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    return done.stdout.strip()


def cpu_name() -> str:
    """Return the processor's model name."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def memory_gib() -> int:
    """Return the machine's memory in GiB, rounded."""
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
