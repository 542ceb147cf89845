"""Roles: how far each reaches, and which of them it may give. The one place that says so.

Every route asks for one of these permissions (``api.access.sessions``; that of events, which goes
its own way, ``api.routers.ingestion.SCOPE``). With this table that makes the matrix of routes and
roles, which the document and ``docs/reference/roles.md`` show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from billing.errors import Forbidden, InvalidInput

MANAGE: Final = "organization.manage"
"""Members, keys and settings. No key reaches it (CONTRACT 65)."""

IMPLIED: Final = {"usage.write": "usage.read", "billing.write": "billing.read"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """How far a role reaches, and which roles it gives and takes away."""

    scopes: frozenset[str]
    gives: frozenset[str] = frozenset()

    def reaches(self, permission: str) -> bool:
        """Whether it may do what takes this permission; writing includes reading."""
        return reach(self.scopes, permission)


def reach(scopes: frozenset[str], permission: str) -> bool:
    """Whether scopes include a permission. Worked example: ``usage.write`` reads usage too."""
    return permission in scopes or permission in {IMPLIED.get(one) for one in scopes}


EVERYTHING: Final = frozenset({"billing.write", "usage.write", MANAGE})
BELOW: Final = frozenset({"admin", "billing", "developer", "read_only"})
ROLES: Final[Mapping[str, Role]] = {
    "owner": Role(scopes=EVERYTHING, gives=BELOW | {"owner"}),
    "admin": Role(scopes=EVERYTHING, gives=BELOW),
    "billing": Role(scopes=frozenset({"billing.write", "usage.read"})),
    "developer": Role(scopes=frozenset({"billing.read", "usage.write"})),
    "read_only": Role(scopes=frozenset({"billing.read", "usage.read"})),
}
"""By their names. Source: CONTRACT 65, 103."""

NOTHING: Final = Role(scopes=frozenset())
"""What a role reaches that is none of these."""


def role_of(name: str | None) -> Role:
    """The role of this name; one that reaches nothing if there is none."""
    return ROLES.get(name or "", NOTHING)


def read_role(name: str) -> str:
    """The role of this name in any case of letters. Raises InvalidInput ``unknown_role``."""
    folded = name.strip().casefold()
    if folded not in ROLES:
        raise InvalidInput(
            f"A role is one of {', '.join(ROLES)}.", code="unknown_role", field="role"
        )
    return folded


def require_gives(giver: str | None, *roles: str) -> None:
    """Return if somebody of this role gives and takes away these. Raises Forbidden.

    Else an admin would make owners, and whoever is one could be put out by admins.
    """
    if not frozenset(roles) <= role_of(giver).gives:
        raise Forbidden(
            f"Your role does not give or take the role {', '.join(roles)}.", code="role_too_high"
        )


def roles_that_reach(permission: str) -> list[str]:
    """The names of the roles that may do what takes a permission, the furthest first."""
    return [name for name, role in ROLES.items() if role.reaches(permission)]
