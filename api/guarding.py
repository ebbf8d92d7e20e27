"""The guard of every route: no handler runs for a caller who may not ask it.

A route says which role it wants with `needs`, or that it is open to everybody; one that says
nothing is for admins.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from api.callers import LOCAL, Caller, Role
from api.hosts import loopback
from api.keys import Keyring
from api.rates import Take
from rag.errors import Forbidden, Unauthenticated

ROLE, OPEN, HEAVY, WAITING = "role", "open", "heavy", "waiting"
Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]


def needs(role: Role, *, heavy: bool = False, waiting: bool = False) -> dict[str, Any]:
    """Return the option of a route for callers of a role.

    Args:
        role: the least one.
        heavy: it may ask a language model.
        waiting: it waits for a job and works little itself: it takes no place from searches.
    """
    return {ROLE: role, HEAVY: heavy, WAITING: waiting}


def guarding(
    keyring: Keyring, host: str, take: Take | None = None
) -> Callable[[Connection, BaseRouteHandler], Awaitable[None]]:
    """Return the guard of an application.

    Args:
        keyring: the keys; where there is no file of them whoever reaches loopback may do anything.
        host: the address that is listened on.
        take: takes a token of the id of whoever is let through; None lets everybody.
    """

    async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
        """Let the caller through, and note who it is.

        Raises:
            Unauthenticated: no key, or none that there is.
            Forbidden: the key's role does not reach so far.
            Overloaded: there is no token.
        """
        if handler.opt.get(OPEN):
            return
        caller = _caller(connection, keyring, host)
        wanted: Role = handler.opt.get(ROLE, "admin")
        if not caller.may(wanted):
            reading = "" if caller.principals is None else " of certain principals"
            raise Forbidden(
                f"this key is for the role {caller.role}{reading}, and this needs {wanted}: "
                f"firstcite keys add NAME --role {wanted}"
            )
        if take is not None:
            await take(caller.id)
        connection.scope["user"] = caller

    return guard


def knowing(keyring: Keyring, host: str) -> Callable[[Connection, BaseRouteHandler], None]:
    """Return a guard that lets through whoever has a key, or needs none, to ask further."""

    def known(connection: Connection, _: BaseRouteHandler) -> None:
        """Let the caller through.

        Raises:
            Unauthenticated, Forbidden: as `guarding`.
        """
        _caller(connection, keyring, host)

    return known


def presented(headers: Mapping[str, str]) -> str:
    """Return the key of a request, as most clients send it or as Azure's and Anthropic's do."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    return headers.get("x-api-key", "") or headers.get("api-key", "")


def _caller(connection: Connection, keyring: Keyring, host: str) -> Caller:
    if not keyring.required and loopback(host):
        _from_this_machine(connection)
        return LOCAL
    shown = presented(connection.headers)
    key = keyring.find(shown) if shown else None
    if key is None:
        said = "is none of this server's" if shown else "is missing"
        raise Unauthenticated(f"the API key {said}: send Authorization: Bearer KEY")
    return key.caller


def _from_this_machine(connection: Connection) -> None:
    """Refuse what a page of another site sends by way of a name that leads to this address.

    Raises:
        Forbidden: the request was meant for another host.
    """
    meant = connection.headers.get("host", "")
    name = meant[1:].partition("]")[0] if meant.startswith("[") else meant.partition(":")[0]
    if not loopback(name):
        raise Forbidden(
            f"without API keys only requests to this machine are answered, and this one is for "
            f"'{name[:100]}': firstcite keys add NAME"
        )
