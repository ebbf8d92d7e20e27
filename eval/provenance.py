"""Where a figure comes from: commit, machine, versions, command, time."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

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
    "pytrec_eval-terrier",
)


def versions() -> Mapping[str, str]:
    """Return the installed version of every package that results depend on."""
    return {name: _version(name) for name in PACKAGES}


def provenance() -> dict[str, object]:
    """Return what a reader needs to make the same figure again; no path of this machine."""
    return {
        "commit": commit(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpu": cpu_name(),
            "cores": os.cpu_count() or 0,
            "system": platform.system(),
            "python": platform.python_version(),
        },
        "versions": dict(versions()),
    }


def commit() -> str:
    """Return the commit of this checkout, with "-dirty" where it was changed; "" outside of one."""
    try:
        head, changed = _git("rev-parse", "HEAD"), _git("status", "--porcelain")
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head + ("-dirty" if changed else "")


def _git(*arguments: str) -> str:
    command = ("git", "-C", str(Path(__file__).parent), *arguments)
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    return done.stdout.strip()


def cpu_name() -> str:
    """Return the processor's model name."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
