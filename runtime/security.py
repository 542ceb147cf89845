"""Hashing and tokens: what the composition root hands to the services that know people and keys."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey

from runtime.hashing import HashingProcesses, PasswordHasher
from runtime.sealing import Sealer
from runtime.settings import SHORTEST_SECRET_KEY
from services.accounts.credentials import AccessClaims, PasswordCheck, WidgetClaims

ALGORITHM = "HS256"
ISSUER = "fluxrate"


class TokenKind(NamedTuple):
    """What tells tokens for one purpose from all others that we sign."""

    audience: str
    header_type: str


ACCESS = TokenKind("fluxrate-api", "at+jwt")
WIDGET = TokenKind("fluxrate-portal", "widget+jwt")

UNREADABLE = (JoseError, ValueError, KeyError, TypeError, AttributeError)
"""How a token fails that is not ours, not of a kind, or too old."""

SECRET_BYTES = 24
CHECKSUM_LENGTH = 6
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Security:
    """Passwords by Argon2id, access tokens by HMAC, keys and refresh tokens by 192 random bits.

    ``previous_secret_keys`` still verify tokens that an earlier ``secret_key`` signed; nothing is
    signed with them. ``passwords`` sets the cost of a guess, by default the recommended time and
    memory, in a process of its own. A code of an authenticator counts for ``code_tolerance_steps``
    half minutes before and after its own.

    Raises: ValueError for a secret of less than 32 characters.
    """

    def __init__(
        self,
        secret_key: str,
        *,
        previous_secret_keys: Sequence[str] = (),
        passwords: PasswordHasher | None = None,
        code_tolerance_steps: int = 1,
    ) -> None:
        accepted = (secret_key, *previous_secret_keys)
        if any(len(secret) < SHORTEST_SECRET_KEY for secret in accepted):
            raise ValueError(
                f"A secret key needs at least {SHORTEST_SECRET_KEY} characters,"
                " for example from `openssl rand -hex 32`."
            )
        self._keys = KeySet(
            [OctKey.import_key(secret, {"kid": _key_id(secret)}) for secret in accepted]
        )
        self.sealer = Sealer(secret_key, previous_secret_keys)
        self.code_tolerance_steps = code_tolerance_steps
        self._signing_key_id = _key_id(secret_key)
        self._passwords = passwords or HashingProcesses()
        # Verified in place of a password nobody has, so that unknown accounts take as long.
        self._nobody = self._passwords.hash(secrets.token_urlsafe(16))

    def hash_password(self, password: str) -> str:
        """The Argon2id hash to store."""
        return self._passwords.hash(password)

    def check_password(self, password: str, password_hash: str | None) -> PasswordCheck:
        """Whether the password is the one that was hashed. Without a hash: no, after as long."""
        matches, renewed = self._passwords.verify_and_update(
            password, password_hash or self._nobody
        )
        if password_hash is None or not matches:
            return PasswordCheck(is_right=False)
        return PasswordCheck(is_right=True, renewed_hash=renewed)

    def issue_access_token(self, claims: AccessClaims, *, now: datetime, seconds: int) -> str:
        """A signed token that names the person and the session, good for ``seconds``."""
        named = {
            "sub": str(claims.user_id),
            "org": str(claims.organization_id),
            "sid": str(claims.user_session_id),
        }
        return self._sign(ACCESS, named, now=now, seconds=seconds)

    def read_access_token(self, token: str, *, now: datetime) -> AccessClaims | None:
        """What a token says if it is ours, of the right kind and alive, else None."""
        try:
            named = self._read(ACCESS, token, now=now)
            return AccessClaims(
                organization_id=UUID(named["org"]),
                user_id=UUID(named["sub"]),
                user_session_id=UUID(named["sid"]),
            )
        except UNREADABLE:
            return None

    def issue_widget_token(self, claims: WidgetClaims, *, now: datetime, seconds: int) -> str:
        """A signed token that names a customer, good for ``seconds``."""
        named = {"sub": str(claims.customer_id), "org": str(claims.organization_id)}
        return self._sign(WIDGET, named, now=now, seconds=seconds)

    def read_widget_token(self, token: str, *, now: datetime) -> WidgetClaims | None:
        """What a widget token says if it is ours, of that kind and alive, else None."""
        return self._read_widget(token, now=now)

    def name_widget(self, token: str) -> WidgetClaims | None:
        """Whose portal a token of ours named, be it alive or not: it opens nothing by this."""
        return self._read_widget(token, now=None)

    def _read_widget(self, token: str, *, now: datetime | None) -> WidgetClaims | None:
        try:
            named = self._read(WIDGET, token, now=now)
            return WidgetClaims(organization_id=UUID(named["org"]), customer_id=UUID(named["sub"]))
        except UNREADABLE:
            return None

    def _sign(
        self, kind: TokenKind, named: Mapping[str, str], *, now: datetime, seconds: int
    ) -> str:
        issued_at = int(now.timestamp())
        return jwt.encode(
            {"alg": ALGORITHM, "typ": kind.header_type, "kid": self._signing_key_id},
            {
                "iss": ISSUER,
                "aud": kind.audience,
                **named,
                "jti": secrets.token_urlsafe(12),
                "iat": issued_at,
                "nbf": issued_at,
                "exp": issued_at + seconds,
            },
            self._keys,
            algorithms=[ALGORITHM],
        )

    def _read(self, kind: TokenKind, token: str, *, now: datetime | None) -> Mapping[str, Any]:
        """The claims of a token of this kind, at ``now`` or at any time at all.

        Raises one of :data:`UNREADABLE`.
        """
        # The key is chosen among ours by its id; a token's own idea of a key is never followed.
        decoded = jwt.decode(token, self._keys, algorithms=[ALGORITHM])
        jwt.JWTClaimsRegistry(
            now=int(decoded.claims["nbf"] if now is None else now.timestamp()),
            leeway=0,
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": kind.audience},
            exp={"essential": True},
            nbf={"essential": True},
        ).validate(decoded.claims)
        # Where we have one key, a token that names none would be tried with it.
        if decoded.header.get("typ") != kind.header_type or not decoded.header.get("kid"):
            raise ValueError("The token is of another kind.")
        return decoded.claims

    def new_secret(self) -> str:
        """192 random bits in 33 letters and digits."""
        return new_secret()

    def new_api_key(self, prefix: str) -> str:
        """A key ``<prefix>_<secret><checksum>`` that scanners and :meth:`is_api_key` recognize."""
        body = f"{prefix}_{self.new_secret()}"
        return body + _checksum(body)

    def is_api_key(self, text: str) -> bool:
        """Whether a text has the shape and the checksum of a key, without asking the database."""
        body, checksum = text[:-CHECKSUM_LENGTH], text[-CHECKSUM_LENGTH:]
        return text.isascii() and hmac.compare_digest(_checksum(body), checksum)

    def digest(self, secret: str) -> str:
        """The SHA-256 of a random secret, in hex: enough for what cannot be guessed."""
        return hashlib.sha256(secret.encode()).hexdigest()


def new_secret() -> str:
    """192 random bits in 33 letters and digits."""
    return _base62(int.from_bytes(secrets.token_bytes(SECRET_BYTES), "big"), 33)


def _key_id(secret: str) -> str:
    return hashlib.sha256(b"key-id:" + secret.encode()).hexdigest()[:16]


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(BASE62[digit])
    return "".join(reversed(digits))
