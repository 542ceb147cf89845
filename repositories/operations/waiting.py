"""How long what waits to leave the database has waited, and what payments came to lately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from models.payments.payments import Payment

MOST_LOOKED_AT: Final = 10_000
"""How many messages of a kind are looked at: as many that are due first, by their index."""

_READ_OUTBOX: Final = text(
    """
    SELECT min(created_at), count(*) FROM (
        SELECT created_at FROM outbox_message WHERE kind = :kind
        ORDER BY available_at, id LIMIT :most
    ) AS first
    """
)


def read_outbox(session: Session, kind: str) -> tuple[datetime | None, int]:
    """When the oldest message of one kind was queued, and how many wait, of those due first.

    The transaction looks up that kind. Costs what ``MOST_LOOKED_AT`` messages cost at most.
    """
    keys = {"kind": kind, "most": MOST_LOOKED_AT}
    row = session.execute(_READ_OUTBOX, keys).one()
    return row[0], row[1]


def count_payments(
    session: Session, organization_ids: Sequence[UUID], *, since: datetime
) -> Mapping[str, int]:
    """How many payments begun since then have each status.

    Grows with the organizations, of which an index is asked each, and with those payments.
    """
    rows = session.exec(
        select(Payment.status, func.count())
        .where(col(Payment.organization_id).in_(organization_ids), col(Payment.created_at) >= since)
        .group_by(col(Payment.status))
    )
    return dict(rows.all())
