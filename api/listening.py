"""The HTTP server of every face, made in one place."""

from typing import Literal

import uvicorn
from litestar import Litestar


def server_of(
    app: Litestar,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    drain_s: int = 30,
    log_level: Literal["info", "warning"] = "info",
) -> uvicorn.Server:
    """Return the server of an application; its `run` serves until it is asked to end.

    Args:
        app: what answers.
        host: the address, unless `run` is given sockets.
        port: 0 takes a free one.
        drain_s: for how long requests that are under way are waited for at the end; 30 is what
            Kubernetes gives.
        log_level: how much it says of itself.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level=log_level,
        access_log=False,  # a line of it has the query of its request
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=drain_s,
    )
    return uvicorn.Server(config)
