"""What webhooks tell, event by event: the bodies that endpoints get (CONTRACT 4.14, 68)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import create_model

from api.schemas.common import Exact, Moment, Money, View
from billing.credits.grants import GrantKind
from billing.credits.top_ups import TopUpStatus
from billing.invoicing.invoices import InvoiceStatus
from billing.notifications.alerts import AlertAction, AlertOn
from billing.notifications.events import WebhookEvent
from billing.subscriptions import SubscriptionStatus


class InvoiceNewsView(View):
    """An invoice as it was when it happened."""

    invoice_id: UUID
    invoice_number: str | None
    customer_id: UUID
    customer_external_id: str | None
    """Your own id of the customer; null where it has none."""
    subscription_id: UUID | None
    """The subscription's id; null for an invoice that was written by hand without one."""
    total: Money
    """What the invoice comes to, with tax."""
    amount_due: Money
    """What was left to pay then."""
    currency: str
    status: InvoiceStatus
    """What the invoice was then."""


class FailedPaymentNewsView(View):
    """An attempt to pay an invoice that came to nothing."""

    invoice_id: UUID
    invoice_number: str | None
    customer_id: UUID
    customer_external_id: str | None
    """Your own id of the customer; null where it has none."""
    subscription_id: UUID | None
    """The subscription's id; null for an invoice that was written by hand without one."""
    payment_id: UUID
    """The payment that was tried."""
    attempt: int
    """Which try to pay the invoice it was, counted from 1."""
    amount: Money
    """What was asked for."""
    amount_due: Money
    """What was left to pay then."""
    currency: str
    error_code: str | None
    """Why, in a word of the gateway's such as `insufficient_funds`; null where it said nothing."""
    error: str | None
    """Why, in a sentence for people; null where the gateway said nothing."""
    status: InvoiceStatus
    """What the invoice was then; the failure does not change it."""


class SubscriptionNewsView(View):
    """A subscription as it was when it happened."""

    subscription_id: UUID
    customer_id: UUID
    customer_external_id: str | None
    """Your own id of the customer; null where it has none."""
    plan_id: UUID
    status: SubscriptionStatus
    """What the subscription was then."""
    current_period_start: Moment
    """The begin of the period that ran then, itself included."""
    current_period_end: Moment
    """The end of that period, itself excluded."""


class LimitNewsView(View):
    """A customer's usage that has reached a part of a limit."""

    customer_id: UUID
    customer_external_id: str | None
    """Your own id of the customer; null where it has none."""
    subscription_id: UUID
    lookup_key: str
    """The feature whose limit it is."""
    threshold: int
    """How many percent of the limit are reached: 80 or 100."""
    usage: Exact
    """What was used in the reset window by then, in the meter's unit."""
    limit: Exact
    """The limit in the reset window, in the meter's unit."""
    resets_at: Moment
    """When the reset window ends and usage counts from 0 again."""


class CreditNewsView(View):
    """Credit that was granted, or what of it is gone."""

    grant_id: UUID
    """The grant."""
    customer_id: UUID
    customer_external_id: str | None
    """Your own id of the customer; null where it has none."""
    unit: str
    """What it is counted in: the code of a unit, or a currency."""
    amount: Exact
    """How much was granted, or is gone, in the unit."""
    kind: GrantKind
    """Whether it was given, or sold."""
    expires_at: Moment | None
    """From when on it cannot be spent any more; null for never."""
    invoice_id: UUID | None
    """The invoice that sells it; null where none does."""


class TopUpNewsView(View):
    """A try to top credit up, whose end is known."""

    top_up_id: UUID
    """The try."""
    rule_id: UUID
    """The rule that made it."""
    customer_id: UUID
    customer_external_id: str | None
    """Your own id of the customer; null where it has none."""
    unit: str
    """What it is counted in: the code of a unit, or a currency."""
    amount: Exact
    """How much it was to bring, in the unit."""
    status: TopUpStatus
    """Whether it was paid, or failed."""
    grant_id: UUID
    """The grant that it buys."""
    invoice_id: UUID
    """The invoice that sells the grant, void if it failed."""


class AlertNewsView(View):
    """A threshold of an alert, and what was there as it was found to be reached."""

    alert_id: UUID
    """The alert."""
    customer_id: UUID
    customer_external_id: str | None
    """Your own id of the customer; null where it has none."""
    subscription_id: UUID | None
    """The subscription that is watched alone; null for all of the customer's."""
    meter_id: UUID | None
    """The meter that is watched alone; null for all."""
    on: AlertOn
    """What is watched."""
    unit: str | None
    """What spend or credit is counted in; null for usage."""
    action: AlertAction
    """Whether access ends besides."""
    threshold: Exact
    """Which threshold, in the unit of what is watched."""
    value: Exact
    """What was there, in the same unit."""
    number: int
    """How often it was reached in that period: more than once where the alert rearms."""
    watermark: int | None
    """Up to which arrival usage was counted; null where none was."""


class ToldEventView(View):
    """Something that happened, as an endpoint is told of it."""

    event: str
    """What happened."""
    timestamp: Moment
    """When it happened, in the customer's time: that of their test clock if they live on one."""
    data: View
    """What it happened to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What an event means, and what is told of it."""

    means: str
    data: type[View]


TELLINGS: Final[Mapping[WebhookEvent, Telling]] = {
    WebhookEvent.INVOICE_CREATED: Telling(means="A draft was made.", data=InvoiceNewsView),
    WebhookEvent.INVOICE_FINALIZED: Telling(
        means="An invoice is final; one that owes nothing is `PAID` at once, and `invoice.paid`"
        " follows.",
        data=InvoiceNewsView,
    ),
    WebhookEvent.INVOICE_PAID: Telling(
        means="Nothing is owed any more, by payment or by credit.", data=InvoiceNewsView
    ),
    WebhookEvent.INVOICE_VOIDED: Telling(
        means="An invoice has no effect any more.", data=InvoiceNewsView
    ),
    WebhookEvent.INVOICE_PAYMENT_FAILED: Telling(
        means="An attempt to pay an invoice failed; the invoice stays as it is.",
        data=FailedPaymentNewsView,
    ),
    WebhookEvent.SUBSCRIPTION_CREATED: Telling(
        means="A customer subscribed, with a trial or without.", data=SubscriptionNewsView
    ),
    WebhookEvent.SUBSCRIPTION_ACTIVATED: Telling(
        means="The trial is over, and the first period that is billed runs.",
        data=SubscriptionNewsView,
    ),
    WebhookEvent.SUBSCRIPTION_CANCELED: Telling(
        means="The subscription has come to its end. One that is to end with its period is told"
        " then.",
        data=SubscriptionNewsView,
    ),
    WebhookEvent.ENTITLEMENT_THRESHOLD: Telling(
        means="Usage reached 80 or 100 percent of a limit, once in each reset window.",
        data=LimitNewsView,
    ),
    WebhookEvent.CREDIT_GRANTED: Telling(
        means="Credit was granted, or is paid, and can be spent from `timestamp` on.",
        data=CreditNewsView,
    ),
    WebhookEvent.CREDIT_EXPIRED: Telling(
        means="What was left of a grant is gone: its time is over, or it was ended.",
        data=CreditNewsView,
    ),
    WebhookEvent.TOP_UP_SUCCEEDED: Telling(
        means="Credit was topped up, and is paid.", data=TopUpNewsView
    ),
    WebhookEvent.TOP_UP_FAILED: Telling(
        means="A try to top credit up failed. The next one is an hour later, then a day, and then"
        " the rule is off.",
        data=TopUpNewsView,
    ),
    WebhookEvent.ALERT_TRIGGERED: Telling(
        means="A threshold of an alert was reached, once in each period unless it rearms.",
        data=AlertNewsView,
    ),
}
"""Every event; a test compares what is told with it."""


@cache
def body_of(event: WebhookEvent) -> type[View]:
    """The model of the whole body, such as ``InvoicePaidEvent``."""
    name = "".join(part.capitalize() for part in event.replace(".", "_").split("_"))
    told = TELLINGS[event]
    fields: dict[str, Any] = {
        "event": (Literal[event.value], ...),
        "timestamp": (Moment, ...),
        "data": (told.data, ...),
    }
    body: type[View] = create_model(
        f"{name}Event", __base__=ToldEventView, __doc__=told.means, __module__=__name__, **fields
    )
    return body
