"""API keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, select

from models.accounts.api_keys import ApiKey
from repositories.pages import read_page

REVOCATIONS = "fluxrate_revocation"
"""Where a commit tells the id of the key that it revokes, of the session that it ends, or of the
person whose role it changes; triggers do it (migrations 0019 and 0020)."""


def insert_api_key(session: Session, api_key: ApiKey) -> None:
    """Store a new key, of which only the hash is known."""
    session.add(api_key)
    session.flush()


def find_by_hash(session: Session, key_hash: str) -> ApiKey | None:
    """The key with this hash, revoked or not, or None.

    A query without an organization: the transaction must look up ``key_hash``.
    """
    return session.exec(select(ApiKey).where(ApiKey.key_hash == key_hash)).one_or_none()


def find_api_key(session: Session, organization_id: UUID, api_key_id: UUID) -> ApiKey | None:
    """The key with this id, revoked or not, or None."""
    return session.get(ApiKey, (organization_id, api_key_id))


def lock_api_key(session: Session, organization_id: UUID, api_key_id: UUID) -> ApiKey | None:
    """The key with its row locked, or None."""
    return session.exec(
        select(ApiKey)
        .where(ApiKey.organization_id == organization_id, ApiKey.id == api_key_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def list_api_keys(
    session: Session, organization_id: UUID, *, offset: int, limit: int
) -> tuple[Sequence[ApiKey], int]:
    """A page of keys, revoked ones included, oldest first, and how many there are."""
    matching = select(ApiKey).where(ApiKey.organization_id == organization_id)
    return read_page(session, matching, offset=offset, limit=limit)


def mark_used(session: Session, organization_id: UUID, api_key_id: UUID, *, now: datetime) -> None:
    """Remember when the key was used last, unless somebody else is just doing so."""
    free = (
        select(ApiKey.id)
        .where(ApiKey.organization_id == organization_id, ApiKey.id == api_key_id)
        .with_for_update(skip_locked=True)
    )
    session.execute(
        update(ApiKey)
        .where(col(ApiKey.organization_id) == organization_id, col(ApiKey.id).in_(free))
        .values(last_used_at=now)
        .execution_options(synchronize_session=False)
    )
