"""`firstcite keys`: who may ask the server, and what."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from rag.cli.root import cli, current_settings, json_option
from rag.errors import BadSettings

if TYPE_CHECKING:
    from api.callers import Role
    from api.keys import Key, Keyring


@cli.group("keys")
def keys_group() -> None:
    """Make, show and revoke the API keys of the server."""


@keys_group.command("add")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["read", "write", "admin"]),
    default="read",
    show_default=True,
    help="read searches and answers, write changes documents too, admin collections too.",
)
@click.option(
    "--tenant",
    default="default",
    show_default=True,
    help="Whose documents it reaches; * is whichever a request names.",
)
@click.option(
    "--principal",
    "principals",
    multiple=True,
    metavar="NAME",
    help="Who it reads as; may be given several times. By default whoever a request names.",
)
@click.option("--public", is_flag=True, help="It reads only what is open to its whole tenant.")
@json_option
def add_command(
    name: str, role: "Role", tenant: str, principals: tuple[str, ...], public: bool, as_json: bool
) -> None:
    """Make a key called NAME, and print it: it cannot be shown again."""
    if not name.strip() or not tenant.strip():
        raise BadSettings("a key needs a name and a tenant that are not empty")
    if public and principals:
        raise BadSettings("a key for what is public reads as nobody: leave --principal out")
    if role != "read" and (public or principals):
        raise BadSettings(
            f"a key with the role {role} may replace any document of its tenant, also those that "
            "its principals may not read: leave --principal and --public out, or --role"
        )
    made, key = _keyring().add(name, role, tenant, principals or (() if public else None))
    if as_json:
        click.echo(msgspec.json.encode({"key": made, **_shown(key)}))
        return
    click.echo(made)
    click.echo(f"{_line(key)}\nkeep it: it cannot be shown again", err=True)


@keys_group.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """Show the keys, without their secrets."""
    keys = _keyring().keys
    for key in keys:
        click.echo(msgspec.json.encode(_shown(key)) if as_json else _line(key))
    if not keys and not as_json:
        click.echo("no keys: firstcite keys add NAME", err=True)


@keys_group.command("revoke")
@click.argument("id_", metavar="ID")
def revoke_command(id_: str) -> None:
    """Delete the key with this ID; a running server refuses it from the next request on."""
    click.echo(f"revoked: {_line(_keyring().revoke(id_))}")


def _keyring() -> "Keyring":
    from api.keys import Keyring

    return Keyring(Path(current_settings().server.keys))


def _shown(key: "Key") -> dict[str, object]:
    shown: dict[str, object] = msgspec.to_builtins(key)
    del shown["hash"]
    return shown


def _line(key: "Key") -> str:
    reads = "any principal" if key.principals is None else ", ".join(key.principals) or "public"
    return f"{key.id}  {key.name}: {key.role}, tenant {key.tenant}, {reads}, since {key.created}"
