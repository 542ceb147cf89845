"""What must have ended before a customer is erased: bills and money on its way need their name."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict
from repositories.personal_data import endings as stored_endings


def require_ended(session: Session, organization_id: UUID, customer_id: UUID) -> None:
    """Return if nothing of the customer goes on.

    Raises Conflict ``customer_not_ended``, which names what is to be ended first.
    """
    unended = stored_endings.list_unended(session, organization_id, customer_id)
    if not unended:
        return
    named = ", ".join(f"{one.kind} {one.name}" for one in unended)
    more = " and more" if len(unended) == stored_endings.MOST_NAMED else ""
    raise Conflict(f"These have to end first: {named}{more}.", code="customer_not_ended")
