"""`firstcite models serve`: a local model for other programs, over HTTP."""

import signal
import socket
from types import FrameType

import click

from api.hosts import loopback
from rag.cli.models import models
from rag.cli.root import current_settings, run


@models.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8001,
    show_default=True,
    help="Port; 0: a free one.",
)
def serve_model_command(host: str, port: int) -> None:
    """Serve the local language model by the OpenAI protocol until interrupted."""
    from api.listening import server_of
    from api.logs import log_config
    from api.model_server import create_model_app
    from rag.wiring import load_llm

    settings = current_settings()
    if not loopback(host):
        click.echo(
            f"warning: {host} is not loopback and there is no authentication: "
            "whoever reaches this address can use the model",
            err=True,
        )
    with _listening(host, port) as listening:
        signal.signal(signal.SIGTERM, _end)  # being asked to end is no failure
        click.echo("loading the model …", err=True)
        llm = load_llm(settings)
        try:
            app = create_model_app(llm)
            server = server_of(app, drain_s=5, log_config=log_config(), log_level="warning")
            # uvicorn ends in good order and then sends itself the signal, which is to end here.
            signal.signal(signal.SIGTERM, server.handle_exit)
            url = _url(listening)
            click.echo(f"{llm.spec.name} ({llm.spec.context_window:,} tokens) answers at {url}/v1")
            click.echo(f"use it: FIRSTCITE__LLM__URL={url}")
            server.run(sockets=[listening])
        finally:
            run(llm.close())


def _end(_: int, __: FrameType | None) -> None:
    raise SystemExit(0)


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that clients can already connect to; whether it can is known before loading.

    Raises:
        OSError: the address is taken, or none of this machine's.
    """
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(kind)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
        opened.listen()
    except OSError as error:
        opened.close()
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {error.strerror}") from None
    return opened


def _url(opened: socket.socket) -> str:
    """Return the address as a client on this machine would write it."""
    host, port = opened.getsockname()[:2]
    if ":" in host:
        return f"http://[{host}]:{port}"
    return f"http://{host}:{port}"
