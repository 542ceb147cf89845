"""Who makes a request, and how far their credentials reach."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from billing.errors import Forbidden, NotFound

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
    sandbox_id: UUID | None = None
    """The twin of the organization, which its members reach too (CONTRACT 102)."""
    member_of: UUID | None = None
    """Where they are at home who act for a sandbox."""

    @property
    def home_id(self) -> UUID:
        """The organization that knows the person and their session, or the key."""
        return self.member_of or self.organization_id

    def act_for(self, organization_id: UUID | None) -> Principal:
        """The same for the sandbox of their organization. Raises NotFound for any other."""
        if organization_id == self.organization_id:
            return self
        if organization_id is None or organization_id != self.sandbox_id:
            raise NotFound("Organization not found.", code="organization_not_found")
        return replace(
            self, organization_id=organization_id, sandbox_id=None, member_of=self.organization_id
        )

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
