"""Which commands ask a server (`--server`, `client.url`), and why the others cannot."""

from collections.abc import Mapping

import click
from click.core import ParameterSource

from rag.errors import BadInput
from rag.settings import Settings

_FILES = "it works with files and models of the machine that it is run on"
_STORE = "it needs the store for itself, and the server has it"
_KEYS = "keys are in a file that only the server's own machine may read"

ASK = frozenset(
    {
        *("index", "search", "ask", "reindex", "rerank", "doctor", "mcp"),
        *("collections list", "collections info", "collections count", "collections drop"),
        "collections alias",
    }
)
"""Commands that ask the server where one is named."""

CANNOT: Mapping[str, str] = {
    "migrate": "it copies between stores: name them by --from and --to on a machine that sees both",
    "collections snapshot": f"{_STORE}: run it on the server's machine while the server rests",
    "collections restore": f"{_STORE}: run it on the server's machine while the server rests",
    "collections verify": f"{_STORE}: run it on the server's machine while the server rests",
    "route train": f"{_FILES}: run it on the server's machine, and set search.router there",
    "calibrate": f"{_FILES}: run it on the server's machine, and set answer.calibration there",
    "keys add": f"{_KEYS}: run it there",
    "keys list": f"{_KEYS}: run it there",
    "keys revoke": f"{_KEYS}: run it there",
    "serve": "it is a server: run it on the machine that is to serve",
    "eval answers": "it indexes and measures with the settings of this machine: run it without "
    "--server",
    "eval run": "it indexes and measures with the settings of this machine: run it without "
    "--server",
    "eval judge-check sample": f"{_FILES}: run it here, without --server",
    "eval judge-check probe": f"{_FILES}: run it here, without --server; llm.url names a model's "
    "server",
    "eval judge-check report": f"{_FILES}: run it here, without --server",
    "eval judge": f"{_FILES}: run it here, without --server; llm.url names a model's server",
    "eval compare-answers": "it reads files of this machine: run it here, without --server",
    "eval report": f"{_FILES}: run it where the record is, without --server",
    "eval compare": f"{_FILES}: run it where the reports are, without --server",
    "eval gate": f"{_FILES}: run it where the reports are, without --server",
    "eval tune": "it measures with the settings of this machine: run it without --server",
    **{
        f"train {name}": f"{_FILES}: run it here, and put the model where the server reads it"
        for name in (
            *("data qrels", "data structure", "data synthetic", "data descriptions"),
            *("data rewrites", "data teacher"),
            *("retriever", "ranker", "first", "distill", "rewriter"),
        )
    },
    "models fetch": f"{_FILES}: run it on the server's machine",
    "models export": f"{_FILES}: run it on the server's machine",
    "models check": f"{_FILES}: run it on the server's machine",
    "models bench-encoder": f"{_FILES}: run it on the server's machine",
    "models serve": f"{_FILES}: run it on the machine that is to serve",
}
"""Commands that cannot, and why, with what to do instead."""


def check_place(settings: Settings, command: str) -> None:
    """Pass where a command can be done where the settings say.

    Raises:
        BadInput: a server is named, and the command cannot be done there.
    """
    if settings.client.url and command in CANNOT:
        raise _refused(settings, command, CANNOT[command])


def check_options(settings: Settings, given: Mapping[str, object], why: str) -> None:
    """Pass where no server is named, or none of these options is given.

    Raises:
        BadInput: one is.
    """
    for option, value in given.items():
        if value and settings.client.url:
            raise _refused(settings, option, why)


def named_tenant(tenant: str | None) -> str | None:
    """Return a tenant that was named; None where it is the option's default.

    A server then takes the tenant of the key.
    """
    context = click.get_current_context(silent=True)
    named = context is None or context.get_parameter_source("tenant") is not ParameterSource.DEFAULT
    return tenant if named else None


def _refused(settings: Settings, what: str, why: str) -> BadInput:
    return BadInput(f"{what} does not work with the server {settings.client.url}: {why}")
