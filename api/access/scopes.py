"""Who makes a request, and how far their credentials reach."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from billing.errors import Forbidden

IMPLIED = {"usage.write": "usage.read", "billing.write": "billing.read"}
MANAGERS = frozenset({"owner", "admin"})
EVERYTHING = frozenset({"billing.write", "usage.write"})
ROLE_SCOPES = {
    "owner": EVERYTHING,
    "admin": EVERYTHING,
    "billing": frozenset({"billing.write", "usage.read"}),
    "developer": frozenset({"billing.read", "usage.write"}),
    "read_only": frozenset({"billing.read", "usage.read"}),
}
"""How far each role reaches; one that is not here reaches nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A person in a session, who has a role, or an API key, which has scopes.

    A role reaches scopes like a key; beyond them, owners and admins manage members, keys and
    settings.
    """

    organization_id: UUID
    user_id: UUID | None = None
    api_key_id: UUID | None = None
    session_id: UUID | None = None
    role: str | None = None
    scopes: frozenset[str] = frozenset()

    @property
    def actor(self) -> str:
        """The name under which the audit log knows them."""
        return f"user:{self.user_id}" if self.user_id else f"api_key:{self.api_key_id}"

    def require_scope(self, scope: str) -> None:
        """Return if the credentials reach ``scope``. Raises Forbidden. Source: CONTRACT 7, 65."""
        granted = self.scopes if self.user_id is None else ROLE_SCOPES.get(self.role or "", ())
        if scope in granted or scope in {IMPLIED.get(one) for one in granted}:
            return
        if self.user_id is not None:
            raise Forbidden(f"Your role does not reach {scope}.", code="role_missing")
        raise Forbidden(f"The API key lacks the scope {scope}.", code="scope_missing")

    def require_manager(self) -> None:
        """Return for an owner or admin in a session. Raises Forbidden. Source: CONTRACT 65."""
        if self.user_id is None:
            raise Forbidden("This needs a session, not an API key.", code="session_required")
        if self.role not in MANAGERS:
            raise Forbidden("This needs the role owner or admin.", code="role_missing")
