"""`firstcite serve`: the HTTP face."""

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
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=None,
    help="Processes, each with its own models; by default server.workers; needs a Qdrant server.",
)
def serve_command(host: str | None, port: int | None, workers: int | None) -> None:
    """Serve search and answers over HTTP until interrupted."""
    from api.hosts import loopback
    from api.serving import serve, serve_by_workers
    from rag.wiring import build

    settings = current_settings()
    given = (("host", host), ("port", port), ("workers", workers))
    server = msgspec.structs.replace(settings.server, **{k: v for k, v in given if v is not None})
    settings = msgspec.structs.replace(settings, server=server)
    keyed = Path(server.keys).exists()
    if not keyed and not loopback(server.host):
        raise BadSettings(
            f"server.host is {server.host}, which others can reach, and there are no API "
            f"keys in {server.keys}: firstcite keys add NAME, or listen on 127.0.0.1"
        )
    if server.workers > 1 and not settings.store.url:
        raise BadSettings(
            f"server.workers is {server.workers}, but one process at a time can open the embedded "
            "store: set store.url to a Qdrant server, or server.workers to 1"
        )
    if not keyed:
        click.echo(
            "no API keys: whoever can reach this machine's loopback may read and change every "
            "collection (firstcite keys add NAME)",
            err=True,
        )
    if server.workers > 1:
        serve_by_workers(settings, build)
    else:
        serve(settings, build)
