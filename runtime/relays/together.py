"""What every process of the API and of workers does besides: carry on what transactions queued."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

import structlog
from sqlalchemy import URL

from repositories.outbox import CHANNEL
from repositories.transactions import Transactions
from runtime.measuring.counters import BillingCounters
from runtime.notifications import Hear, Notifications
from runtime.payment_gateways import InstalledGateways, desk_of
from runtime.relays import gateway_tasks, mails, webhooks
from runtime.relays.deliveries import AroundDelivery, CountDelivery, DeliveryRelay
from runtime.relays.gateway_tasks import GatewayPost
from runtime.relays.looks import alerts_of, thresholds_of, top_ups_of
from runtime.relays.mails import MailPost
from runtime.relays.outbound import outside_of
from runtime.relays.retention import Retention
from runtime.relays.webhooks import WebhookPost
from runtime.relays.workflows import OutboxRelay
from runtime.sealing import Sealer
from runtime.settings import Settings
from runtime.subscription_workflows import SubscriptionWorkflows
from services.personal_data.retention import kinds_of

log = structlog.get_logger(__name__)


class Relay(Protocol):
    """Looks when it is told that something was queued, and when something is due."""

    def hear(self, kind: str) -> None:
        """Messages of this kind were queued."""

    def look(self) -> None:
        """Look at once: there may be something due."""

    async def run(self) -> None:
        """Deliver until cancelled."""


def relays_of(
    transactions: Transactions,
    workflows: SubscriptionWorkflows,
    settings: Settings,
    gateways: InstalledGateways,
    counters: BillingCounters,
    *,
    around: AroundDelivery | None = None,
) -> list[Relay]:
    """Those of workflows, alerts and thresholds, and what leaves the installation, if anything may.

    ``around`` traces each delivery.
    """
    within: list[Relay] = [
        OutboxRelay(transactions, workflows),
        alerts_of(transactions),
        thresholds_of(transactions),
        Retention(
            transactions, kinds_of(settings.retention_periods), count=counters.count_forgotten
        ),
    ]
    if settings.is_quiet:
        log.warning("nothing_leaves", setting="FLUXRATE_OUTBOUND")
        return within
    outside = outside_of(settings)
    if outside is None:
        log.warning("webhooks_and_mails_need_a_key", setting="FLUXRATE_SECRET_KEY")
        return [*within, top_ups_of(transactions)]
    count = counters.count_delivery
    webhook_post = WebhookPost(transactions, outside.sealer, outside.webhooks)
    mail_post = MailPost(
        transactions, outside.sealer, outside.mails, public_url=settings.public_url
    )
    return [
        *within,
        top_ups_of(transactions),
        DeliveryRelay(webhook_post, webhooks.ROOMS, count=count, around=around),
        DeliveryRelay(mail_post, mails.ROOMS, count=count, around=around),
        *_gateway_relays(transactions, outside.sealer, settings, gateways, count),
    ]


def _gateway_relays(
    transactions: Transactions,
    sealer: Sealer,
    settings: Settings,
    gateways: InstalledGateways,
    count: CountDelivery,
) -> list[Relay]:
    """What asks gateways, and what the sandbox in this process tells."""
    desk = desk_of(transactions, sealer, gateways.registry, settings, now=now)
    asking = DeliveryRelay(GatewayPost(transactions, desk), gateway_tasks.ROOMS, count=count)
    telling = gateways.sandbox.relay
    return [asking] if telling is None else [asking, telling]


def now() -> datetime:
    """The wall clock, read at this edge and handed down."""
    return datetime.now(UTC)


def notifications_for(
    relays: Sequence[Relay],
    address: URL,
    also: Mapping[str, Hear] | None = None,
    *,
    missed: Callable[[], None] | None = None,
) -> Notifications:
    """Tells the relays what was queued; ``also`` takes what is told on other channels.

    ``missed`` is called too whenever something may have been told to nobody.
    """

    def hear(kind: str) -> None:
        for one in relays:
            one.hear(kind)

    def look() -> None:
        for one in relays:
            one.look()
        if missed is not None:
            missed()

    return Notifications(address, {CHANNEL: hear, **(also or {})}, missed=look)
