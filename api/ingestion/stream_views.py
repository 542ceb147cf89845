"""What streams of events tell."""

from __future__ import annotations

from api.ingestion.tail import Outcome, Told
from api.schemas.common import Moment, View


class ToldReport(View):
    """A reported event as it was sent, and what became of it."""

    at: Moment
    """When it was taken."""
    outcome: Outcome
    """Whether it counts: late ones count for a bill that was final already, and are charged as the
    organization's settings say."""
    event_id: str | None
    """The event; null if the report was refused."""
    meter: str | None
    """The meter's name, token or id, as it was sent."""
    customer: str | None
    """The customer's external id or id, as it was sent."""
    quantity: str | None
    """As it was sent; null if it was left out."""
    timestamp: str | None
    """When it was used, as it was sent; null if it was left out."""
    idempotency_key: str | None
    """As it was sent; null if it was left out."""
    code: str | None
    """Why it was refused; null if it was not."""
    detail: str | None
    """The same in words."""


class UsageTurn(View):
    """What became of the reports of a second."""

    data: list[ToldReport]
    """At most fifty, in the order in which they were taken."""
    passed_over: int
    """How many more there were before these."""


def view_told(told: Told) -> ToldReport:
    """As it is shown."""
    return ToldReport.model_validate(told, from_attributes=True)
