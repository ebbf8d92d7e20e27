"""The HTTP server of every face, made in one place."""

import resource
from dataclasses import replace
from typing import Any, Literal

import uvicorn
from litestar import Litestar

from api.framing import framed_once
from api.patience import Limits, PatientProtocol

DEFAULTS = Limits()
SPARE = 512  # chosen: files that models, stores and uploads have open


def server_of(
    app: Litestar,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    limits: Limits = DEFAULTS,
    drain_s: int = 30,
    log_config: dict[str, Any] | None = None,
    log_level: Literal["info", "warning"] = "info",
) -> uvicorn.Server:
    """Return the server of an application; its `run` serves until it is asked to end.

    Args:
        app: what answers.
        host: the address, unless `run` is given sockets.
        port: 0 takes a free one.
        limits: how many connections there may be, and how long clients are waited for.
        drain_s: for how long requests that are under way are waited for at the end; 30 is what
            Kubernetes gives.
        log_config: how loggers are set up (`api.logs`); None leaves them as they are.
        log_level: how much it says of itself.
    """
    protocol = type("Connection", (PatientProtocol,), {"limits": _possible(limits)})
    config = uvicorn.Config(
        framed_once(app),
        host=host,
        port=port,
        log_config=log_config,
        log_level=log_level,
        http=protocol,
        access_log=False,  # a line of it has the query of its request
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=drain_s,
    )
    return uvicorn.Server(config)


def _possible(limits: Limits) -> Limits:
    """Return the limits as far as this process may open files, after asking for more of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.connections + SPARE
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return replace(limits, connections=max(1, most - SPARE))
