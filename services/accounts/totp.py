"""A second step of logging in: codes of an authenticator (RFC 6238), and of a list for its loss.

A code counts for its own half minute and, since clocks differ and people type slowly, for the one
before and after it, unless the operator says otherwise. One that was taken, and every older one, is
never taken again. Recovery codes have 120 random bits, so a plain SHA-256 keeps them as it keeps
keys.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import b32decode, b32encode
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlmodel import Session

from billing.errors import Conflict, InvalidInput, Unauthenticated
from models.accounts.second_factors import TotpFactor
from models.accounts.users import User
from repositories.accounts import second_factors as stored_factors
from services.accounts.credentials import Security
from services.audit_log import record

STEP_SECONDS: Final = 30
DIGITS: Final = 6
SECRET_BYTES: Final = 20
RECOVERY_CODES: Final = 10
RECOVERY_BYTES: Final = 15
GROUP: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What an authenticator needs: the secret in base32, and the address that a picture shows."""

    secret: str
    uri: str


def place_of(organization_id: UUID, user_id: UUID) -> str:
    """Where a person's secret is sealed for."""
    return f"totp/{organization_id}/{user_id}"


def enrol(
    session: Session, user: User, *, issuer: str, security: Security, now: datetime
) -> Enrolment:
    """The person has a secret that counts once it is confirmed; one before that is gone.

    Raises: Conflict ``totp_enabled``.
    """
    factor = stored_factors.lock_factor(session, user.organization_id, user.id)
    if factor is not None and factor.confirmed_at is not None:
        raise Conflict("An authenticator is in use; end that first.", code="totp_enabled")
    if factor is not None:
        stored_factors.delete_factor(session, user.organization_id, user.id)
    secret = secrets.token_bytes(SECRET_BYTES)
    shown = b32encode(secret).decode()
    stored_factors.insert_factor(
        session,
        TotpFactor(
            organization_id=user.organization_id,
            user_id=user.id,
            sealed_secret=security.sealer.seal(
                shown, place=place_of(user.organization_id, user.id)
            ),
            created_at=now,
        ),
    )
    _record(session, user, "user.totp_begun", now=now)
    # A label is `issuer:account`; a colon within the issuer would end it early.
    uri = _generator(shown).get_provisioning_uri(user.email, issuer.replace(":", " "))
    return Enrolment(secret=shown, uri=uri)


def confirm(
    session: Session, user: User, code: str, *, security: Security, now: datetime
) -> list[str]:
    """The authenticator counts from now on; the recovery codes, which nobody can read again.

    Raises: Conflict ``totp_enabled`` or ``totp_not_begun``; InvalidInput ``invalid_code``.
    """
    factor = stored_factors.lock_factor(session, user.organization_id, user.id)
    if factor is None:
        raise Conflict("Begin with POST /auth/totp.", code="totp_not_begun")
    if factor.confirmed_at is not None:
        raise Conflict("An authenticator is in use already.", code="totp_enabled")
    step = _find_step(factor, code, security, now=now)
    if step is None:
        raise InvalidInput(
            "This is not the code that the authenticator shows now.",
            code="invalid_code",
            field="code",
        )
    factor.confirmed_at, factor.last_step = now, step
    session.add(factor)
    _record(session, user, "user.totp_enabled", now=now)
    return _new_codes(session, user, security, now=now)


def renew_recovery_codes(
    session: Session, user: User, *, security: Security, now: datetime
) -> list[str]:
    """The person has new recovery codes, and those before open nothing.

    Raises: Conflict ``totp_not_enabled``.
    """
    _require_factor(session, user)
    _record(session, user, "user.recovery_codes_renewed", now=now)
    return _new_codes(session, user, security, now=now)


def disable(session: Session, user: User, *, now: datetime) -> None:
    """The person logs in by password alone. Raises: Conflict ``totp_not_enabled``."""
    _require_factor(session, user)
    stored_factors.delete_factor(session, user.organization_id, user.id)
    _record(session, user, "user.totp_disabled", now=now)


def require_second_step(
    session: Session, user: User, code: str | None, *, security: Security, now: datetime
) -> None:
    """Return if the person needs no second step, or this code is one. A code is used up by it.

    Raises: Unauthenticated ``second_factor_required`` or ``invalid_code``.
    """
    factor = stored_factors.lock_factor(session, user.organization_id, user.id)
    if factor is None or factor.confirmed_at is None:
        return
    if code is None:
        raise Unauthenticated(
            "Send the code of your authenticator too, or a recovery code.",
            code="second_factor_required",
        )
    step = _find_step(factor, code, security, now=now)
    if step is not None:
        factor.last_step = step
        session.add(factor)
        return
    code_hash = security.digest(_recovery_digest(user, code))
    if not stored_factors.use_code(session, user.organization_id, user.id, code_hash, now=now):
        raise Unauthenticated("The code is wrong, or was used before.", code="invalid_code")
    _record(session, user, "user.recovery_code_used", now=now)


def _find_step(factor: TotpFactor, code: str, security: Security, *, now: datetime) -> int | None:
    """The time step that a code is of, None if it is of none that may still be used."""
    place = place_of(factor.organization_id, factor.user_id)
    generator = _generator(security.sealer.open(factor.sealed_secret, place=place))
    given = "".join(code.split())
    current = int(now.timestamp()) // STEP_SECONDS
    found = None
    tolerance = security.code_tolerance_steps
    for step in range(current - tolerance, current + tolerance + 1):
        shown = generator.generate(step * STEP_SECONDS)
        is_right = hmac.compare_digest(shown, given.encode())
        if is_right and (factor.last_step is None or step > factor.last_step):
            found = step
    return found


def _generator(secret: str) -> TOTP:
    return TOTP(b32decode(secret), DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303  (RFC 6238, as authenticators have it)


def _new_codes(session: Session, user: User, security: Security, *, now: datetime) -> list[str]:
    codes = [_new_code() for _ in range(RECOVERY_CODES)]
    hashes = [security.digest(_recovery_digest(user, code)) for code in codes]
    stored_factors.replace_codes(session, user.organization_id, user.id, hashes, now=now)
    return codes


def _new_code() -> str:
    letters = b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode()
    return "-".join(letters[at : at + GROUP] for at in range(0, len(letters), GROUP))


def _recovery_digest(user: User, code: str) -> str:
    """What is hashed: the letters alone, so that people may leave out what stands between."""
    letters = "".join(one for one in code.casefold() if one.isalnum())
    return f"recovery:{user.id}:{letters}"


def _require_factor(session: Session, user: User) -> None:
    factor = stored_factors.lock_factor(session, user.organization_id, user.id)
    if factor is None or factor.confirmed_at is None:
        raise Conflict("No authenticator is in use.", code="totp_not_enabled")


def _record(session: Session, user: User, action: str, *, now: datetime) -> None:
    record(session, user.organization_id, action, "user", user.id, now=now)
