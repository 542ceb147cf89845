"""The events that webhooks tell."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Final

from billing.errors import InvalidInput


class WebhookEvent(StrEnum):
    """What happened.

    Source: CONTRACT 4.14, 11, 60; docs/concepts/webhooks.md shows a body of each.
    """

    INVOICE_CREATED = "invoice.created"
    INVOICE_FINALIZED = "invoice.finalized"
    INVOICE_PAID = "invoice.paid"
    INVOICE_VOIDED = "invoice.voided"
    INVOICE_PAYMENT_FAILED = "invoice.payment_failed"
    SUBSCRIPTION_CREATED = "subscription.created"
    SUBSCRIPTION_ACTIVATED = "subscription.activated"
    SUBSCRIPTION_CANCELED = "subscription.canceled"
    ENTITLEMENT_THRESHOLD = "entitlement.threshold"
    CREDIT_GRANTED = "credit.granted"
    CREDIT_EXPIRED = "credit.expired"
    TOP_UP_SUCCEEDED = "top_up.succeeded"
    TOP_UP_FAILED = "top_up.failed"
    ALERT_TRIGGERED = "alert.triggered"


EVERY_EVENT: Final = "*"


def choose_events(wanted: Sequence[str]) -> list[str]:
    """The events that an endpoint asks for, each once, in the order of the catalogue.

    Raises InvalidInput ``unknown_event`` or ``no_events``.
    """
    if not wanted:
        raise InvalidInput('Name events, or send ["*"].', code="no_events", field="events")
    unknown = sorted(set(wanted) - {EVERY_EVENT, *WebhookEvent})
    if unknown:
        known = ", ".join(WebhookEvent)
        raise InvalidInput(
            f"There is no event {unknown[0]}; there are {known}.",
            code="unknown_event",
            field="events",
        )
    if EVERY_EVENT in wanted:
        return [EVERY_EVENT]
    return [event.value for event in WebhookEvent if event in wanted]


def is_wanted(event: str, chosen: Collection[str]) -> bool:
    """Whether an endpoint that chose these events is told of this one."""
    return EVERY_EVENT in chosen or event in chosen
