"""The one gate to the world: what leaves an installation passes here, or is not sent at all.

``FLUXRATE_OUTBOUND=off`` shuts it: mails, webhooks, what gateways are asked and top-ups wait in
their rows as they are, with no try counted, until a process begins with it open again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from billing.errors import Unavailable
from billing.payments.gateways import OUTBOUND_OFF, GatewayAccount, Gateways
from integrations.gateways.client import ProviderClient
from integrations.gateways.registry import GatewayRegistry
from integrations.mail.sender import MailSender
from integrations.webhooks.sender import WebhookSender
from runtime.relays.sandbox_gateway import SandboxReach
from runtime.sealing import Sealer, sealer_of
from runtime.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What sends, and the key that opens what it needs for that."""

    sealer: Sealer
    webhooks: WebhookSender
    mails: MailSender


def outside_of(settings: Settings) -> Outside | None:
    """What sends; None where nothing leaves, or where there is no key for its secrets."""
    sealer = sealer_of(settings)
    if settings.is_quiet or sealer is None:
        return None
    may_be_private = settings.allow_private_webhooks
    return Outside(
        sealer=sealer,
        webhooks=WebhookSender(may_be_private=may_be_private),
        mails=MailSender(may_be_private=may_be_private),
    )


def gateways_of(settings: Settings, sandbox: SandboxReach) -> Gateways:
    """Who speaks to gateways; where nothing leaves, nobody does."""
    if settings.is_quiet:
        return QuietGateways()
    return GatewayRegistry(ProviderClient(), sandbox=sandbox.client)


class QuietGateways:
    """Nobody is asked: what was begun waits until somebody may be."""

    def gateway_of(self, account: GatewayAccount) -> NoReturn:
        """Raises Unavailable."""
        raise Unavailable(
            f"{account.provider} is not asked: nothing leaves this installation.",
            code=OUTBOUND_OFF,
        )
