"""API keys: made once, shown once, revoked at once."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from billing.errors import InvalidInput, NotFound
from billing.quotas import Quota
from models.accounts.api_keys import ApiKey, KeyStatus
from repositories.accounts import api_keys as stored_api_keys
from repositories.transactions import Transactions, name_organizations
from services.accounts.credentials import Security
from services.accounts.sandboxes import is_sandbox
from services.audit_log import record
from services.quotas import require_room

SCOPES = ("usage.write", "usage.read", "billing.write", "billing.read")
ALIASES = {"write": "usage.write", "read": "usage.read"}
LIVE_PREFIXES = ("sk_live", "org_live")
TEST_PREFIXES = ("sk_test",)
PREFIXES = (*LIVE_PREFIXES, *TEST_PREFIXES)
USED_AGAIN_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateApiKey:
    """A new key. Without a ``prefix`` it is the first of those that the organization may have."""

    name: str
    scopes: tuple[str, ...]
    prefix: str | None = None
    expires_at: datetime | None = None
    allowed_addresses: tuple[str, ...] = ()


def create_api_key(
    session: Session,
    organization_id: UUID,
    command: CreateApiKey,
    *,
    security: Security,
    now: datetime,
) -> tuple[ApiKey, str]:
    """The key exists; the second value is its secret, which nobody can read again.

    Raises: InvalidInput ``unknown_scope``, ``scopes_missing``, ``unknown_prefix``,
    ``expiry_passed`` or ``invalid_address``; Conflict ``quota_reached``.
    """
    require_room(session, organization_id, Quota.API_KEYS)
    if command.expires_at is not None and command.expires_at <= now:
        raise InvalidInput(
            "The key would be over already.", code="expiry_passed", field="expires_at"
        )
    allowed, scopes = read_addresses(command.allowed_addresses), read_scopes(command.scopes)
    prefix = _read_prefix(session, organization_id, command.prefix)
    secret = security.new_api_key(prefix)
    api_key = ApiKey(
        organization_id=organization_id,
        name=command.name,
        scopes=list(scopes),
        key_hash=security.digest(secret),
        prefix=prefix,
        last_four=secret[-4:],
        created_at=now,
        expires_at=command.expires_at,
        allowed_addresses=list(allowed),
    )
    stored_api_keys.insert_api_key(session, api_key)
    record(
        session,
        organization_id,
        "api_key.created",
        "api_key",
        api_key.id,
        now=now,
        after=_recorded(api_key),
    )
    return api_key, secret


def _recorded(api_key: ApiKey) -> dict[str, object]:
    names = ("name", "scopes", "expires_at", "allowed_addresses")
    return {name: getattr(api_key, name) for name in names}


def _read_prefix(session: Session, organization_id: UUID, given: str | None) -> str:
    prefixes = TEST_PREFIXES if is_sandbox(session, organization_id) else LIVE_PREFIXES
    prefix = prefixes[0] if given is None else given
    if prefix not in prefixes:
        raise InvalidInput(
            f"prefix is one of {', '.join(prefixes)}.", code="unknown_prefix", field="prefix"
        )
    return prefix


def read_addresses(blocks: tuple[str, ...]) -> tuple[str, ...]:
    """The blocks as PostgreSQL writes them, each once; one address is a block of its own.

    Worked example: ``192.0.2.7`` is ``192.0.2.7/32``. Raises: InvalidInput ``invalid_address``
    naming the place, also for a block that begins within itself, such as ``192.0.2.7/24``.
    """
    found = []
    for place, block in enumerate(blocks):
        try:
            found.append(str(ipaddress.ip_network(block.strip())))
        except ValueError as error:
            raise InvalidInput(
                "This is neither an IP address nor a block such as 192.0.2.0/24.",
                code="invalid_address",
                field=f"allowed_addresses.{place}",
            ) from error
    return tuple(dict.fromkeys(found))


def read_scopes(scopes: tuple[str, ...]) -> tuple[str, ...]:
    """The scopes in their full names, each once, in the documented order (CONTRACT 7).

    Raises: InvalidInput ``unknown_scope`` naming the place, or ``scopes_missing``.
    """
    named = set()
    for place, scope in enumerate(scopes):
        word = scope.strip().lower()
        word = ALIASES.get(word, word)
        if word not in SCOPES:
            raise InvalidInput(
                f"A scope is one of {', '.join(SCOPES)}.",
                code="unknown_scope",
                field=f"scopes.{place}",
            )
        named.add(word)
    if not named:
        raise InvalidInput("A key needs a scope.", code="scopes_missing", field="scopes")
    return tuple(scope for scope in SCOPES if scope in named)


def revoke_api_key(
    session: Session, organization_id: UUID, api_key_id: UUID, *, now: datetime
) -> ApiKey:
    """The key is refused from the commit on. Repeating it changes nothing.

    Raises: NotFound ``api_key_not_found``.
    """
    api_key = stored_api_keys.lock_api_key(session, organization_id, api_key_id)
    if api_key is None:
        raise NotFound("API key not found", code="api_key_not_found")
    if api_key.status == KeyStatus.ACTIVE:
        api_key.status = KeyStatus.REVOKED
        api_key.revoked_at = now
        session.add(api_key)
        session.flush()
        record(session, organization_id, "api_key.revoked", "api_key", api_key.id, now=now)
    return api_key


def is_live(api_key: ApiKey, *, now: datetime) -> bool:
    """Whether a key is neither revoked nor over."""
    is_over = api_key.expires_at is not None and api_key.expires_at <= now
    return api_key.status == KeyStatus.ACTIVE and not is_over


def find_api_key(transactions: Transactions, key_hash: str, *, now: datetime) -> ApiKey | None:
    """The key with this hash, live or not, whatever address shows it.

    That a live one was used is noted, to the minute: one write for all requests of it.
    """
    with transactions.looking_up("key_hash", key_hash) as session:
        api_key = stored_api_keys.find_by_hash(session, key_hash)
        if api_key is None or not is_live(api_key, now=now):
            return api_key
        if api_key.last_used_at is None or api_key.last_used_at < now - USED_AGAIN_AFTER:
            name_organizations(session, [api_key.organization_id])
            stored_api_keys.mark_used(session, api_key.organization_id, api_key.id, now=now)
    return api_key
