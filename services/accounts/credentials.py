"""What services need of passwords, tokens and keys; ``runtime.security`` does it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from billing.errors import Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessClaims:
    """Whom an access token names, and the session that it lives by."""

    organization_id: UUID
    user_id: UUID
    user_session_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class WidgetClaims:
    """Whose portal a widget token opens; it opens nothing else."""

    organization_id: UUID
    customer_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordCheck:
    """Whether a password was right, and its hash at today's cost if it was stored at another."""

    is_right: bool
    renewed_hash: str | None = None


class SecretKeyMissing(Unavailable):
    """None of the operator's secret keys opens what was sealed; the one that did may come back."""

    code = "secret_key_missing"


class Sealing(Protocol):
    """Secrets at rest."""

    def seal(self, secret: str, *, place: str) -> str:
        """The secret as it is stored in a place."""

    def open(self, sealed: str, *, place: str) -> str:
        """The secret that was sealed in a place. Raises SecretKeyMissing."""

    def renew(self, sealed: str, *, place: str) -> str | None:
        """The same secret sealed by the key in force; None if it is. Raises SecretKeyMissing."""


class Security(Protocol):
    """Hashing and tokens."""

    @property
    def sealer(self) -> Sealing:
        """Keeps what others must be shown again."""

    @property
    def code_tolerance_steps(self) -> int:
        """For how many half minutes before and after its own a code counts."""

    def hash_password(self, password: str) -> str:
        """The slow, salted hash to store."""

    def check_password(self, password: str, password_hash: str | None) -> PasswordCheck:
        """Whether the password is the one that was hashed. Without a hash: no, after as long."""

    def issue_access_token(self, claims: AccessClaims, *, now: datetime, seconds: int) -> str:
        """A signed token, good for ``seconds``."""

    def read_access_token(self, token: str, *, now: datetime) -> AccessClaims | None:
        """What a token says if it is ours and alive, else None."""

    def issue_widget_token(self, claims: WidgetClaims, *, now: datetime, seconds: int) -> str:
        """A signed token that opens one customer's portal, good for ``seconds``."""

    def read_widget_token(self, token: str, *, now: datetime) -> WidgetClaims | None:
        """What a widget token says if it is ours and alive, else None."""

    def name_widget(self, token: str) -> WidgetClaims | None:
        """Whose portal a token of ours named, be it alive or not: it opens nothing by this."""

    def new_secret(self) -> str:
        """A secret of letters and digits that nobody can guess."""

    def new_api_key(self, prefix: str) -> str:
        """A key that begins with ``prefix`` and ends with a checksum."""

    def is_api_key(self, text: str) -> bool:
        """Whether a text has the shape and the checksum of a key."""

    def digest(self, secret: str) -> str:
        """The hash under which a secret is stored and found."""
