"""The adapter of the sandbox gateway: the verbs of every gateway, over its wire format."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar
from urllib.parse import quote
from uuid import UUID

import httpx2
import msgspec

from billing.errors import InvalidInput, Rejected, Unavailable
from billing.payments.gateways import (
    GatewayDispute,
    GatewayEvent,
    GatewayPayment,
    GatewayRefund,
    PaymentLink,
    PaymentRequest,
    Provider,
    RefundRequest,
    SavedMethod,
    WebhookRefused,
)
from integrations.gateways.client import code_of_refusal, minor_of
from integrations.gateways.sandbox import signatures
from integrations.gateways.sandbox.app import PREFIX
from integrations.gateways.sandbox.faults import Faults, FaultsAsked
from integrations.gateways.sandbox.ledger.books import signing_secret_of
from integrations.gateways.sandbox.ledger.refunds import DisputeAsked
from integrations.gateways.sandbox.wire import (
    ACCOUNT,
    IDEMPOTENCY_KEY,
    WEBHOOK_URL,
    ChargeAsked,
    DisputeTold,
    Done,
    EventTold,
    LinkAsked,
    LinkTold,
    PaymentTold,
    RefundAsked,
    RefundTold,
    Refused,
    decode,
    encode,
)

Shape = TypeVar("Shape")

WITHIN_SECONDS: Final = 10.0
"""How long the gateway has for an answer; after that nobody knows what it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxAccount:
    """An organization's account at the sandbox gateway: its connection's id, and one secret.

    The gateway asks for none, so a connection makes its own.
    """

    id: UUID
    secret: str
    webhook_url: str


class SandboxGateway:
    """The gateway as an account knows it; ``client`` reaches it, in this process or another."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        account: SandboxAccount,
        *,
        within_seconds: float = WITHIN_SECONDS,
    ) -> None:
        self._client = client
        self._account = account
        self._within_seconds = within_seconds

    async def create_link(self, request: PaymentRequest) -> PaymentLink:
        """A page on which the invoice can be paid. The same key gives the same page."""
        asked = LinkAsked(
            organization_id=request.organization_id,
            invoice_id=request.invoice_id,
            customer_id=request.customer_id,
            invoice_number=request.invoice_number,
            amount_minor=minor_of(Provider.SANDBOX, request),
            currency=request.currency,
            return_url=request.return_url,
        )
        told = await self._post("/links", asked, LinkTold, key=request.idempotency_key)
        return PaymentLink(reference=told.id, url=told.url)

    async def charge(self, request: PaymentRequest, method: SavedMethod) -> GatewayPayment:
        """What became of charging a saved method. The same key never charges twice."""
        asked = ChargeAsked(
            organization_id=request.organization_id,
            invoice_id=request.invoice_id,
            customer_id=request.customer_id,
            invoice_number=request.invoice_number,
            amount_minor=minor_of(Provider.SANDBOX, request),
            currency=request.currency,
            method_reference=method.method_reference,
        )
        told = await self._post("/charges", asked, PaymentTold, key=request.idempotency_key)
        return told.as_payment()

    async def forget_method(self, method: SavedMethod) -> None:
        """The method is nobody's any more. Idempotent."""
        path = f"/methods/{quote(method.method_reference, safe='')}/forget"
        await self._ask(Done, "POST", path)

    async def find_payment(
        self,
        *,
        reference: str | None,
        key: str | None,
        since: datetime | None = None,  # noqa: ARG002  (keys are found however old they are)
        until: datetime | None = None,  # noqa: ARG002  (the library's signature)
    ) -> GatewayPayment | None:
        """The payment of that reference, or of that charge's idempotency key; None if unknown."""
        names = {"key": key or ""} if reference is None else {"reference": reference}
        told = await self._ask(list[PaymentTold], "GET", "/payments", params=names)
        return told[0].as_payment() if told else None

    async def list_payments(self, link_reference: str) -> Sequence[GatewayPayment]:
        """The payments that were tried on a link's page, the newest last."""
        path = f"/links/{quote(link_reference, safe='')}/payments"
        told = await self._ask(list[PaymentTold], "GET", path)
        return [one.as_payment() for one in told]

    async def expire_link(self, reference: str) -> None:
        """Nothing can be paid on the link's page any more. Idempotent."""
        await self._ask(Done, "POST", f"/links/{quote(reference, safe='')}/expire")

    async def refund(self, request: RefundRequest) -> GatewayRefund:
        """What became of sending money back. The same key never refunds twice."""
        asked = RefundAsked(
            payment=request.payment_reference,
            amount_minor=minor_of(Provider.SANDBOX, request),
            currency=request.currency,
        )
        told = await self._post("/refunds", asked, RefundTold, key=request.idempotency_key)
        return told.as_refund()

    async def find_refund(
        self, *, payment_reference: str, key: str | None, reference: str | None = None
    ) -> GatewayRefund | None:
        """The refund that it calls so, or of that idempotency key; None if it knows none."""
        name = {"key": key or ""} if reference is None else {"reference": reference}
        names = {"payment": payment_reference, **name}
        told = await self._ask(list[RefundTold], "GET", "/refunds", params=names)
        return told[0].as_refund() if told else None

    async def find_dispute(self, reference: str) -> GatewayDispute | None:
        """The dispute that it calls so; None if it knows none."""
        names = {"reference": reference}
        told = await self._ask(list[DisputeTold], "GET", "/disputes", params=names)
        return told[0].as_dispute() if told else None

    def read_webhook(
        self, headers: Mapping[str, str], body: bytes, *, now: datetime
    ) -> GatewayEvent:
        """What a webhook says, once its signature was found right. Raises WebhookRefused."""
        secret = signing_secret_of(self._account.secret)
        signatures.require_signed(headers, body, secret=secret, now=now)
        try:
            told = decode(body, EventTold)
            payment, refund, dispute = told.payment, told.refund, told.dispute
            event = GatewayEvent(
                id=told.id,
                type=told.type,
                payment=None if payment is None else payment.as_payment(),
                refund=None if refund is None else refund.as_refund(),
                dispute=None if dispute is None else dispute.as_dispute(),
            )
        except InvalidInput as error:
            raise WebhookRefused("The body is none of the gateway's.") from error
        if told.account != self._account.id:
            raise WebhookRefused("The webhook is of another account.")
        return event

    async def set_faults(self, faults: Faults | None, *, customer_id: UUID | None = None) -> None:
        """The gateway goes wrong by this plan from now on; None ends it. Only a sandbox does."""
        asked = FaultsAsked(faults=faults, customer_id=customer_id)
        await self._post("/faults", asked, Done)

    async def set_dispute(self, asked: DisputeAsked) -> DisputeTold:
        """The customer's bank calls a payment back, or decides. Only in a sandbox at will."""
        return await self._post("/disputes", asked, DisputeTold)

    async def _post(
        self, path: str, asked: msgspec.Struct, shape: type[Shape], *, key: str | None = None
    ) -> Shape:
        return await self._ask(shape, "POST", path, content=encode(asked), key=key)

    async def _ask(
        self,
        shape: type[Shape],
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        key: str | None = None,
    ) -> Shape:
        headers = {
            "Authorization": f"Bearer {self._account.secret}",
            "Content-Type": "application/json",
            ACCOUNT: str(self._account.id),
            WEBHOOK_URL: self._account.webhook_url,
            **({} if key is None else {IDEMPOTENCY_KEY: key}),
        }
        try:
            async with asyncio.timeout(self._within_seconds):
                response = await self._client.request(
                    method, PREFIX + path, params=params, content=content, headers=headers
                )
        except (httpx2.HTTPError, OSError, TimeoutError) as error:
            raise Unavailable(
                f"The sandbox gateway does not answer: {type(error).__name__}."
            ) from error
        return _read(response, shape)


def _read(response: httpx2.Response, shape: type[Shape]) -> Shape:
    """The answer in its shape. Raises Rejected for a no, Unavailable for what is no answer."""
    if response.status_code >= 500 or response.status_code == 429:
        raise Unavailable(f"The sandbox gateway answered {response.status_code}.")
    try:
        if response.is_success:
            return decode(response.content, shape)
    except InvalidInput as error:
        raise Unavailable("The sandbox gateway's answer cannot be read.") from error
    try:
        refused = decode(response.content, Refused)
    except InvalidInput:
        # A no is a no, whoever on the way put it into words.
        raise Rejected(f"The sandbox gateway answered {response.status_code}.") from None
    raise Rejected(refused.detail, code=code_of_refusal(response.status_code) or refused.code)
