"""Whether there is what grants are limited to."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from billing.credits.grants import Scope

KNOWN = text(
    """
    SELECT id FROM meter WHERE organization_id = :organization_id AND id = ANY (:meters)
    UNION ALL
    SELECT id FROM charge WHERE organization_id = :organization_id AND id = ANY (:charges)
    UNION ALL
    SELECT id FROM subscription_add_on
    WHERE organization_id = :organization_id AND id = ANY (:charges)
    """
)


def find_known(session: Session, organization_id: UUID, scope: Scope) -> frozenset[UUID]:
    """Those meters and charges of the scope that there are."""
    keys = {
        "organization_id": organization_id,
        "meters": list(scope.meter_ids),
        "charges": list(scope.charge_ids),
    }
    return frozenset(session.execute(KNOWN, keys).scalars())
