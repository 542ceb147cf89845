"""Who makes a request, and how far their credentials reach."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias
from uuid import UUID

from billing.errors import Forbidden, NotFound, Unauthenticated
from services.accounts.roles import MANAGE, reach, role_of

IPAddress: TypeAlias = IPv4Address | IPv6Address
IPNetwork: TypeAlias = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A person in a session, who has a role, or an API key, which has scopes.

    A role reaches scopes like a key, and some roles beyond them members, keys and settings
    (``services.accounts.roles``).
    """

    organization_id: UUID
    user_id: UUID | None = None
    api_key_id: UUID | None = None
    session_id: UUID | None = None
    role: str | None = None
    scopes: frozenset[str] = frozenset()
    expires_at: datetime | None = None
    """From when a key opens nothing; null if it does not end by itself."""
    allowed_networks: tuple[IPNetwork, ...] = ()
    """Where a key may be used from; anywhere if there are none."""
    lacks_second_factor: bool = False
    """Whether the organization asks its members for an authenticator, and they have none yet."""
    sandbox_id: UUID | None = None
    """The twin of the organization, which its members reach too (CONTRACT 102)."""
    member_of: UUID | None = None
    """Where they are at home who act for a sandbox."""

    def require_usable(self, address: IPAddress | None, *, now: datetime) -> None:
        """Return if the credentials may be used now and from here.

        Raises: Unauthenticated ``invalid_api_key``; Forbidden ``address_not_allowed``.
        """
        if self.expires_at is not None and self.expires_at <= now:
            raise Unauthenticated("The API key is not valid.", code="invalid_api_key")
        if self.allowed_networks and not any(
            address is not None and address in network for network in self.allowed_networks
        ):
            raise Forbidden("The API key is not for this address.", code="address_not_allowed")

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

    def at_home(self) -> Principal:
        """The same for the organization that knows the person, whatever they act for."""
        return replace(self, organization_id=self.home_id, member_of=None)

    @property
    def actor(self) -> str:
        """The name under which the audit log knows them."""
        return f"user:{self.user_id}" if self.user_id else f"api_key:{self.api_key_id}"

    def require_scope(self, scope: str) -> None:
        """Return if the credentials reach ``scope``. Raises Forbidden. Source: CONTRACT 7, 65.

        Without the second factor that their organization asks for, members reach no scope: what is
        left is their own account.
        """
        if self.lacks_second_factor:
            raise Forbidden(
                "Your organization asks for an authenticator: set one up in POST /auth/totp.",
                code="second_factor_missing",
            )
        if self.reaches(scope):
            return
        if self.user_id is not None:
            raise Forbidden(f"Your role does not reach {scope}.", code="role_missing")
        raise Forbidden(f"The API key lacks the scope {scope}.", code="scope_missing")

    def reaches(self, scope: str) -> bool:
        """Whether the role, or the key, reaches ``scope``."""
        if self.user_id is not None:
            return role_of(self.role).reaches(scope)
        return reach(self.scopes, scope)

    def require_session(self) -> None:
        """Return for a person in a session. Raises Forbidden."""
        if self.user_id is None:
            raise Forbidden("This needs a session, not an API key.", code="session_required")

    def require_manager(self) -> None:
        """Return for an owner or admin in a session. Raises Forbidden. Source: CONTRACT 65."""
        self.require_session()
        self.require_scope(MANAGE)
