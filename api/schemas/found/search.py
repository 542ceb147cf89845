"""What a search finds, on the wire."""

from __future__ import annotations

from uuid import UUID

from api.schemas.common import View
from repositories.search import Found, FoundKind


class FoundView(View):
    """Something that fits what was asked."""

    kind: FoundKind
    """What it is."""
    id: UUID
    """Its id."""
    name: str
    """What it is called: the name of a customer, plan or meter, the plan of a subscription, the
    number of an invoice, the reference of a payment, the code of a coupon, the key of an event."""
    about: str | None
    """What else tells it from its like: a customer's external id or email, a plan's `lookup_id`, a
    meter's `meter_name`, else the customer's name; null where there is nothing."""
    status: str | None
    """Its state; null of what has none."""
    customer_id: UUID | None
    """Whose it is; null of what is no customer's."""
    invoice_id: UUID | None
    """The invoice, and that of a payment; null of anything else."""
    meter_id: UUID | None
    """The meter, and that of an event; null of anything else."""


class FoundListView(View):
    """What fits, exact names first; at most six of a kind."""

    data: list[FoundView]
    """What was found: what is called exactly so, then what begins so, then the rest."""


def view_found(found: Found) -> FoundView:
    """Something that was found, as the API shows it."""
    return FoundView.model_validate(found, from_attributes=True)
