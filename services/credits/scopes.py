"""What a grant may be limited to: meters and charges that there are."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from billing.credits.grants import Scope
from repositories.credits import scopes as stored_scopes
from services.required import not_found


def require_scope(session: Session, organization_id: UUID, scope: Scope) -> None:
    """Return if there is every meter and charge of the scope, deleted ones too.

    Raises NotFound ``meter_not_found``, ``charge_not_found``.
    """
    if not scope.is_restricted:
        return
    known = stored_scopes.find_known(session, organization_id, scope)
    if scope.meter_ids - known:
        raise not_found("Meter", field="applies_to.meter_ids")
    if scope.charge_ids - known:
        raise not_found("Charge", field="applies_to.charge_ids")
