"""The verbs of a gateway, and the values that it is asked with and answers with.

Amounts are exact decimals in major units of their currency; an adapter turns them into what its
provider writes. Nothing that comes in is believed unless its signature is right, and money that
matters is looked up at the gateway. Source: CONTRACT 29, 60, section 6 (Payments).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol
from uuid import UUID

from billing.errors import Rejected


class Provider(StrEnum):
    """The gateways that there are adapters for."""

    SANDBOX = "sandbox"
    STRIPE = "stripe"
    RAZORPAY = "razorpay"


class GatewayStatus(StrEnum):
    """What a gateway says of a payment or a refund."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedMethod:
    """What a customer's later invoices can be charged to; it names no card number."""

    customer_reference: str
    method_reference: str
    label: str
    """For people: ``Visa ending in 4242``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequest:
    """A payment of an invoice: what a link is made of, and what a saved method is charged.

    ``idempotency_key`` is the attempt's: the gateway gives the same answer to it again.
    """

    organization_id: UUID
    invoice_id: UUID
    customer_id: UUID
    invoice_number: str
    amount: Decimal
    currency: str
    idempotency_key: str
    customer_name: str
    customer_email: str | None = None
    return_url: str | None = None
    """Where the gateway's page leads back to: the invoice's public page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentLink:
    """A page of the gateway on which one invoice can be paid."""

    reference: str
    url: str
    expires_at: datetime | None = None
    """When the page closes by itself; a later one needs another key. None if the gateway keeps it
    open for as long as an invoice waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayPayment:
    """A payment as the gateway tells it.

    ``references`` are all names that the provider has for it, the payment's own first: a checkout
    session and its payment intent are one payment. A try that failed on a link's page never has a
    name of the payment that may yet succeed there.
    """

    references: tuple[str, ...]
    status: GatewayStatus
    amount: Decimal
    currency: str
    at: datetime
    organization_id: UUID | None = None
    """Whose invoice was to be paid: several organizations may share an account at a provider."""
    invoice_id: UUID | None = None
    customer_id: UUID | None = None
    idempotency_key: str | None = None
    """Of the charge that we asked for; None for what a customer paid on a page."""
    method: str | None = None
    """``card``, ``upi`` and so on, in the provider's word."""
    saved_method: SavedMethod | None = None
    error_code: str | None = None
    error: str | None = None
    is_declined_for_good: bool = False
    """Whether trying the same method again is of no use: a stolen card, a closed account."""
    refunded_amount: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """Money of a payment goes back."""

    payment_reference: str
    amount: Decimal
    currency: str
    idempotency_key: str
    invoice_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayRefund:
    """A refund as the gateway tells it."""

    reference: str
    payment_reference: str
    status: GatewayStatus
    amount: Decimal
    currency: str
    at: datetime
    idempotency_key: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayDispute:
    """A payment that the customer's bank calls back, as the gateway tells it."""

    reference: str
    payment_reference: str
    amount: Decimal
    currency: str
    status: str
    reason: str | None
    at: datetime
    fee: Decimal | None = None
    """What the gateway took for it so far, in that currency; None where it does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayEvent:
    """A webhook whose signature was right: what it is about. One of the three, or none of them.

    A webhook that means nothing to an invoice has none.
    """

    id: str
    type: str
    payment: GatewayPayment | None = None
    refund: GatewayRefund | None = None
    dispute: GatewayDispute | None = None


KEY_REFUSED: Final = "gateway_key_refused"
"""The code of a Rejected by which a gateway refuses whoever asks, whatever is asked: the secret was
rolled, or may not do this. Nothing was done, and it is asked again once the secret is replaced."""


class WebhookRefused(Rejected):
    """A webhook that is not, or cannot be known to be, of the gateway: nothing of it is used."""

    code = "webhook_refused"


class Gateway(Protocol):
    """One organization's account at a provider.

    Every verb may raise Unavailable where no answer came: then nobody knows what happened, and it
    is looked up before anything is tried again. Rejected is the gateway's final no to the request
    itself; a declined card is no error but a failed payment.
    """

    async def create_link(self, request: PaymentRequest) -> PaymentLink:
        """A page on which the invoice can be paid. The same key gives the same page."""

    async def charge(self, request: PaymentRequest, method: SavedMethod) -> GatewayPayment:
        """What became of charging a saved method. The same key never charges twice."""

    async def forget_method(self, method: SavedMethod) -> None:
        """Nothing can be charged to the method any more, and no mandate is left. Idempotent."""

    async def find_payment(
        self,
        *,
        reference: str | None,
        key: str | None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> GatewayPayment | None:
        """The payment of that reference, or of that charge's idempotency key; None if unknown.

        ``since`` is when that key was first used, ``until`` when it was last: some providers can
        only be walked back from the one to the other.
        None is no proof that none will come, for the charge may be on its way yet: only the same
        key may be tried after it.
        """

    async def list_payments(self, link_reference: str) -> Sequence[GatewayPayment]:
        """The payments that were tried on a link's page, the newest last."""

    async def expire_link(self, reference: str) -> None:
        """Nothing can be paid on the link's page any more. Idempotent."""

    async def refund(self, request: RefundRequest) -> GatewayRefund:
        """What became of sending money back. The same key never refunds twice."""

    async def find_refund(
        self, *, payment_reference: str, key: str | None, reference: str | None = None
    ) -> GatewayRefund | None:
        """The refund that the gateway calls so, or of that idempotency key; None if unknown."""

    async def find_dispute(self, reference: str) -> GatewayDispute | None:
        """The dispute that the gateway calls so, as it stands now; None if it knows none."""

    def read_webhook(
        self, headers: Mapping[str, str], body: bytes, *, now: datetime
    ) -> GatewayEvent:
        """What a webhook says, once its signature was found right. Raises WebhookRefused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayAccount:
    """An organization's account at a provider, with the secrets that open it: never shown."""

    organization_id: UUID
    connection_id: UUID
    provider: Provider
    secrets: Mapping[str, str] = field(repr=False)
    webhook_url: str


class Gateways(Protocol):
    """Makes the gateway of an account; ``integrations`` does it."""

    def gateway_of(self, account: GatewayAccount) -> Gateway:
        """Who speaks for the account. Raises Rejected where there is no adapter for it."""


OUTBOUND_OFF: Final = "outbound_off"
"""Why nobody is asked where the operator lets nothing leave."""


class NoGateways:
    """Where no adapter is installed: nobody can be asked."""

    def gateway_of(self, account: GatewayAccount) -> Gateway:
        """Raises Rejected."""
        raise Rejected(f"There is no adapter for {account.provider}.", code="no_adapter")
