"""Arrival locks: what orders a customer's arriving events and the reading of their bill."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

LOCK: Final = text(
    "SELECT count(pg_advisory_xact_lock(key)) FROM unnest(CAST(:keys AS bigint[])) AS key"
)
LOCK_BUCKETS: Final = 64


def lock_key(organization_id: UUID, customer_id: UUID) -> int:
    """The advisory lock that orders a customer's arriving events and the reading of their bill.

    Customers share 64 locks per organization, so that a large batch fits into the lock table.
    """
    return lock_key_of_bucket(organization_id, customer_id.bytes[-1] % LOCK_BUCKETS)


def lock_key_of_bucket(organization_id: UUID, bucket: int) -> int:
    """The lock of all customers whose id ends in this number, modulo 64."""
    name = b"usage" + organization_id.bytes + bytes([bucket])
    return int.from_bytes(blake2b(name, digest_size=8).digest(), "big", signed=True)


def lock_arrivals(session: Session, customers: Collection[tuple[UUID, UUID]]) -> None:
    """No event of the customers arrives until the transaction ends, and none is on its way.

    The customers come with their organizations; their locks are taken in sorted order, as those who
    write events take them. A later statement therefore sees every event that carries a smaller
    arrival sequence than any that is still to come.
    """
    keys = sorted({lock_key(*customer) for customer in customers})
    if keys:
        session.execute(LOCK, {"keys": keys})
