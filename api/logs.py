"""What the server writes about itself: where something failed, not on what.

The messages of exceptions quote what they fail on, which may be a document, a question or a key.
"""

import sys
from traceback import format_tb
from types import TracebackType
from typing import Any, TypeAlias

from uvicorn.logging import DefaultFormatter

Raised: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)


class WithoutTexts(DefaultFormatter):
    """Writes a trace without the messages in it."""

    def formatException(self, ei: Raised) -> str:  # noqa: N802 - as logging calls it
        """Return the trace of an exception, its causes first."""
        return trace(ei[1]) if ei[1] else ""


def trace(error: BaseException) -> str:
    """Return where an exception and its causes were raised, and of which types they are.

    >>> trace(ValueError("secret"))
    'ValueError'
    """
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    parts = [trace(before), "which led to"] if before else []
    if error.__traceback__:
        parts.append("Traceback (most recent call last):")
        parts += [line.rstrip("\n") for line in format_tb(error.__traceback__)]
    parts.append(type(error).__qualname__)
    if isinstance(error, BaseExceptionGroup):
        parts += [f"of which one is\n{trace(inner)}" for inner in error.exceptions]
    return "\n".join(parts)


def log_config(*, texts: bool = False) -> dict[str, Any]:
    """Return how the loggers of a server are set up: everything goes to standard error.

    Args:
        texts: traces quote the messages of exceptions.
    """
    formatter = DefaultFormatter if texts else WithoutTexts
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"default": {"()": formatter, "fmt": "%(levelprefix)s %(message)s"}},
        "handlers": {
            "default": {
                "class": "logging.StreamHandler",
                "formatter": "default",
                "stream": sys.stderr,
            }
        },
        "loggers": {"uvicorn": {"level": "INFO"}},
        "root": {"level": "WARNING", "handlers": ["default"]},
    }
