"""Who sends a request, and what that one may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from msgspec import UNSET, UnsetType

from rag.errors import BadInput, Forbidden
from rag.values import DEFAULT_TENANT, Frozen

Role: TypeAlias = Literal["read", "write", "admin"]
"""read searches and answers; write also changes documents; admin also changes collections."""

EVERY_TENANT = "*"
LONGEST_TENANT = 128  # characters
RANK: Mapping[str, int] = {"read": 0, "write": 1, "admin": 2}


@dataclass(frozen=True, slots=True)
class Caller(Frozen):
    """Who sends a request: by a key, or, where there are none, anybody on this machine.

    `tenant` and `principals` bound what the requests may name (`api.keys.Key`).
    """

    name: str
    role: Role = "admin"
    tenant: str = EVERY_TENANT
    principals: tuple[str, ...] | None = None
    id: str = ""

    def may(self, role: Role) -> bool:
        """Whether the caller's role holds another one.

        Who reads as certain principals changes nothing: a document that they may not read has an id
        that they may hit upon.

        >>> Caller("ada", "write").may("read"), Caller("ada", "write").may("admin")
        (True, False)
        >>> Caller("ada", "write", principals=("ada",)).may("write")
        False
        """
        return RANK[self.role] >= RANK[role] and (role == "read" or self.principals is None)

    def over_all_tenants(self) -> None:
        """Pass where the caller reaches every tenant.

        Raises:
            Forbidden: what was asked tells of all of them.
        """
        if self.tenant != EVERY_TENANT:
            raise Forbidden(
                f"this concerns every tenant, and this key reaches '{self.tenant}' alone: "
                "firstcite keys add NAME --role admin --tenant '*'"
            )

    def in_tenant(self, named: str | UnsetType) -> str:
        """Return the tenant of a request that names this one, or none.

        Raises:
            BadInput: no possible tenant.
            Forbidden: it is another than the caller's.

        >>> Caller("ada", tenant="blue").in_tenant(UNSET), Caller("ada").in_tenant("red")
        ('blue', 'red')
        """
        if not isinstance(named, UnsetType) and not 0 < len(named) <= LONGEST_TENANT:
            raise BadInput(
                f"a tenant's name has 1 to {LONGEST_TENANT} characters, and this one has "
                f"{len(named)}: leave tenant out for the usual one"
            )
        if self.tenant == EVERY_TENANT:
            return DEFAULT_TENANT if isinstance(named, UnsetType) else named
        if named is UNSET or named == self.tenant:
            return self.tenant
        raise Forbidden(f"this key reaches the tenant '{self.tenant}' alone: leave tenant out")

    def reading_as(self, named: tuple[str, ...] | UnsetType | None) -> tuple[str, ...] | None:
        """Return the principals of a request that names these, all (None), or does not say.

        Raises:
            Forbidden: the caller may not read as one of them.

        >>> Caller("ada", principals=("a", "b")).reading_as(("b",)), Caller("app").reading_as(None)
        (('b',), None)
        """
        if self.principals is None:
            return None if isinstance(named, UnsetType) else named
        if isinstance(named, UnsetType):
            return self.principals
        if named is None or not set(named) <= set(self.principals):
            raise Forbidden(
                "this key reads as its own principals alone: name some of them, or leave "
                "principals out"
            )
        return named


LOCAL = Caller("local")
"""Anybody on this machine, where the server listens on loopback and there are no keys."""
