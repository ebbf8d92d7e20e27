"""`firstcite mcp`: the tools for language models' programs."""

import logging

import click

from rag.cli.remote.where import check_options
from rag.cli.root import cli, current_settings, run
from rag.cli.serve import serve_command

_log = logging.getLogger("firstcite")


@cli.command("mcp")
@click.option("--http", is_flag=True, help="Serve them at /mcp, as firstcite serve does.")
@click.option("--host", help="With --http: address; by default server.host, which is loopback.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="With --http: port; by default server.port."
)
@click.pass_context
def mcp_command(context: click.Context, host: str | None, port: int | None, *, http: bool) -> None:
    """Give language models the tools search, answer, rerank and get_document (MCP).

    By default over standard input and output, for a program that starts this one.
    """
    settings = current_settings()
    check_options(settings, {"--http": http}, "it has them at /mcp itself: let programs ask that")
    if http:
        context.invoke(serve_command, host=host, port=port)
        return
    if host is not None or port is not None:
        raise click.UsageError("--host and --port go with --http")
    from api.mcp.over_stdio import serve
    from rag.wiring import build

    run(serve(settings, lambda: build(settings), lambda error: _log.error("%s", error)))
