"""Which organizations have anything of which something could be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

# Each table is asked by its key for one row, and the next only if it has none: a semi-join may
# read all of them instead.
LIST_OCCUPIED: Final = text(
    """
    SELECT asked.id FROM unnest(CAST(:organizations AS uuid[])) AS asked(id)
    CROSS JOIN LATERAL (
        (SELECT FROM subscription AS one WHERE one.organization_id = asked.id LIMIT 1)
        UNION ALL
        (SELECT FROM invoice AS one WHERE one.organization_id = asked.id LIMIT 1)
        UNION ALL
        (SELECT FROM usage_rollup AS one WHERE one.organization_id = asked.id LIMIT 1)
        UNION ALL
        (SELECT FROM wallet AS one WHERE one.organization_id = asked.id LIMIT 1)
        UNION ALL
        (SELECT FROM outbox_message AS one WHERE one.organization_id = asked.id LIMIT 1)
        LIMIT 1
    ) AS found
    ORDER BY asked.id
    """
)


def list_occupied(session: Session, organization_ids: Sequence[UUID]) -> Sequence[UUID]:
    """Those of the organizations with subscriptions, invoices, usage, credit or messages.

    Oldest first.

    One statement for all; the transaction must name them.
    """
    return session.execute(LIST_OCCUPIED, {"organizations": list(organization_ids)}).scalars().all()
