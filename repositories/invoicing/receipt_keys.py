"""The keys by which organizations sign receipts."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, select

from models.invoicing.receipts import ReceiptKey

KEYS: Final = "receipt_keys"
"""By what a transaction sees one key, or with ``all`` every one, whosoever they are."""


def list_active_keys(
    session: Session, organization_ids: Collection[UUID]
) -> dict[UUID, ReceiptKey]:
    """The key that signs for each organization, where there is one."""
    found = session.exec(
        select(ReceiptKey).where(
            col(ReceiptKey.organization_id).in_(organization_ids),
            col(ReceiptKey.retired_at).is_(None),
        )
    )
    return {one.organization_id: one for one in found}


def find_key(session: Session, organization_id: UUID, key_id: str) -> ReceiptKey | None:
    """A key of an organization, retired or not."""
    return session.exec(
        select(ReceiptKey).where(
            ReceiptKey.organization_id == organization_id, ReceiptKey.key_id == key_id
        )
    ).one_or_none()


def list_published(session: Session) -> list[tuple[str, str]]:
    """Id and public half of every key that the transaction looks up, oldest first."""
    rows: Any = session.execute(
        select(ReceiptKey.key_id, ReceiptKey.public_key).order_by(
            col(ReceiptKey.created_at), col(ReceiptKey.key_id)
        )
    )
    return [(row[0], row[1]) for row in rows]


def retire_active_key(session: Session, organization_id: UUID, *, now: datetime) -> None:
    """The organization has no key that signs; the one that did stays published."""
    session.execute(
        update(ReceiptKey)
        .where(
            col(ReceiptKey.organization_id) == organization_id,
            col(ReceiptKey.retired_at).is_(None),
        )
        .values(retired_at=now)
    )


def insert_key(session: Session, key: ReceiptKey) -> None:
    """Add a key."""
    session.add(key)
    session.flush()
