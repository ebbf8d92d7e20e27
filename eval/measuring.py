"""What all commands that measure have in common."""

import argparse
from pathlib import Path


def measuring(told: str | None) -> argparse.ArgumentParser:
    """Return a parser of `--collections` and `--out`.

    Args:
        told: what the command says of itself.
    """
    parser = argparse.ArgumentParser(description=told)
    parser.add_argument("--collections", type=Path, default=Path("../shared/collections"))
    parser.add_argument("--out", type=Path, required=True)
    return parser
