"""`firstcite serve`: the HTTP face."""

import ipaddress
import signal

import click
import msgspec

from rag.cli.root import cli, current_settings


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
    import uvicorn

    from api.app import create_app
    from rag.wiring import build

    settings = current_settings()
    changes = {k: v for k, v in (("host", host), ("port", port)) if v is not None}
    server_settings = msgspec.structs.replace(settings.server, **changes)
    settings = msgspec.structs.replace(settings, server=server_settings)
    if not loopback(server_settings.host):
        click.echo(
            f"warning: {server_settings.host} is not loopback and there is no authentication: "
            "whoever reaches this address can read every collection",
            err=True,
        )
    failures: list[Exception] = []

    def failed(error: Exception) -> None:
        failures.append(error)
        server.should_exit = True

    app = create_app(settings, lambda: build(settings), failed)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=server_settings.host,
            port=server_settings.port,
            access_log=False,
            timeout_graceful_shutdown=30,
        )
    )
    # Being asked to end is no failure: exit code 0, where uvicorn alone would die by the signal.
    signal.signal(signal.SIGTERM, server.handle_exit)
    try:
        server.run()
    except SystemExit:  # uvicorn has said why it cannot listen; its code 3 means another thing here
        raise SystemExit(1) from None
    if failures:
        raise failures[0]


def loopback(host: str) -> bool:
    """Whether an address is reachable from this machine only.

    >>> loopback("127.0.0.1"), loopback("localhost"), loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
