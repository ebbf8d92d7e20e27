"""`firstcite serve`: the HTTP face."""

import signal
from pathlib import Path

import click
import msgspec

from rag.cli.root import cli, current_settings
from rag.errors import BadSettings


@cli.command("serve")
@click.option("--host", default=None, help="Address; by default server.host, which is loopback.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=None,
    help="Port; by default server.port; 0: a free one.",
)
def serve_command(host: str | None, port: int | None) -> None:
    """Serve search and answers over HTTP until interrupted."""
    from api.app import create_app
    from api.hosts import loopback
    from api.listening import server_of
    from api.logs import log_config
    from api.patience import Limits
    from rag.wiring import build

    settings = current_settings()
    changes = {k: v for k, v in (("host", host), ("port", port)) if v is not None}
    server_settings = msgspec.structs.replace(settings.server, **changes)
    settings = msgspec.structs.replace(settings, server=server_settings)
    keyed = Path(server_settings.keys).exists()
    if not keyed and not loopback(server_settings.host):
        raise BadSettings(
            f"server.host is {server_settings.host}, which others can reach, and there are no API "
            f"keys in {server_settings.keys}: firstcite keys add NAME, or listen on 127.0.0.1"
        )
    if not keyed:
        click.echo(
            "no API keys: whoever can reach this machine's loopback may read and change every "
            "collection (firstcite keys add NAME)",
            err=True,
        )
    failures: list[Exception] = []

    def failed(error: Exception) -> None:
        failures.append(error)
        server.should_exit = True

    app = create_app(settings, lambda: build(settings), failed)
    limits = Limits(server_settings.max_connections, server_settings.patience_s)
    server = server_of(
        app,
        host=server_settings.host,
        port=server_settings.port,
        limits=limits,
        log_config=log_config(texts=server_settings.log_texts),
    )
    # Being asked to end is no failure: exit code 0, where uvicorn alone would die by the signal.
    signal.signal(signal.SIGTERM, server.handle_exit)
    try:
        server.run()
    except SystemExit:  # uvicorn has said why it cannot listen; its code 3 means another thing here
        raise SystemExit(1) from None
    if failures:
        raise failures[0]
