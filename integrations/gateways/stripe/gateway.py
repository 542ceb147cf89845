"""The verbs of a gateway, at Stripe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from billing.errors import Rejected, Unavailable
from billing.payments.gateways import (
    GatewayDispute,
    GatewayEvent,
    GatewayPayment,
    GatewayRefund,
    GatewayStatus,
    PaymentLink,
    PaymentRequest,
    Provider,
    RefundRequest,
    SavedMethod,
)
from integrations.gateways.client import understood
from integrations.gateways.fields import Fields
from integrations.gateways.stripe.api import (
    StripeApi,
    StripeRefusal,
    digest_of_form,
    is_id,
    path_of,
)
from integrations.gateways.stripe.forms import EXPANDED, charge_form, link_form, refund_form
from integrations.gateways.stripe.reading import (
    intent_of_invoice,
    read_charge,
    read_dispute,
    read_intent,
    read_invoice,
    read_refund,
)
from integrations.gateways.stripe.webhooks import read_event

CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""How far Stripe's clock may be from ours, where a list is walked from one instant of ours to
another; a request on its way is within it as well."""


class StripeGateway:
    """One organization's account at Stripe.

    **Nothing twice.** Every request that moves money has an Idempotency-Key, for which Stripe gives
    the first answer again for 24 hours; within them the same charge again *is* the look-up. Later
    :meth:`find_payment` is. It walks the list of intents, which knows a payment the moment that it
    exists; Stripe's search does not, and there is none in India.
    """

    def __init__(self, api: StripeApi, *, webhook_secret: str) -> None:
        self._api = api
        self._webhook_secret = webhook_secret

    async def create_link(self, request: PaymentRequest) -> PaymentLink:
        """A checkout session, open for a day. Idempotent by the key, for as long.

        The same key with another customer's address or page is another session: of the first, if
        its answer was lost, nobody knows the address.
        """
        try:
            session = await self._open_session(request)
        except StripeRefusal as refusal:
            if refusal.param != "customer_email":
                raise
            # An address that Stripe does not take is one more question on its page.
            session = await self._open_session(replace(request, customer_email=None))
        with understood(Provider.STRIPE):
            return PaymentLink(
                reference=session.text("id"),
                url=session.url("url"),
                expires_at=session.moment("expires_at"),
            )

    async def _open_session(self, request: PaymentRequest) -> Fields:
        form = link_form(request)
        key = f"link-{request.idempotency_key}-{digest_of_form(form)}"
        return await self._api.post(path_of("checkout", "sessions"), form, key=key)

    async def charge(self, request: PaymentRequest, method: SavedMethod) -> GatewayPayment:
        """What became of the charge; one that a bank declined has failed. Idempotent by the key."""
        failure: Fields | None = None
        try:
            intent = await self._api.post(
                path_of("payment_intents"),
                charge_form(request, method),
                key=f"charge-{request.idempotency_key}",
            )
        except StripeRefusal as refusal:
            if not refusal.is_declined:
                raise _not_final(refusal) from refusal
            failure = refusal.error
            intent = failure.inner("payment_intent")
        payment = _payment(intent, failure=failure)
        if payment is None:
            raise Unavailable("Stripe has not tried the charge yet.")
        return payment

    async def forget_method(self, method: SavedMethod) -> None:
        """The method is detached from its customer, for ever. Idempotent: it is looked up."""
        path = path_of("payment_methods", method.method_reference)
        try:
            await self._api.post(f"{path}/detach", {})
        except StripeRefusal:
            found = await self._api.find(path)
            if found is not None and found.reference("customer") is not None:
                raise

    async def find_payment(
        self,
        *,
        reference: str | None,
        key: str | None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> GatewayPayment | None:
        """The payment of an intent, a session or a charge, or of the charge with that key.

        However many others were charged after it, those are not walked through.
        """
        if reference is not None:
            return await self._find(reference)
        if key is None:
            return None
        form: dict[str, object] = {"expand": [f"data.{name}" for name in EXPANDED]}
        made_at = {
            "gte": None if since is None else int((since - CLOCKS_DIFFER).timestamp()),
            "lte": None if until is None else int((until + CLOCKS_DIFFER).timestamp()),
        }
        form["created"] = made_at
        async for intent in self._api.walk(path_of("payment_intents"), form):
            if intent.inner("metadata").find_words("idempotency_key") == key:
                return _payment(intent)
        return None

    async def _find(self, reference: str) -> GatewayPayment | None:
        match reference.split("_", 1)[0] if is_id(reference) else None:
            case "pi":
                intent = await self._api.find(
                    path_of("payment_intents", reference), {"expand": EXPANDED}
                )
                return None if intent is None else _payment(intent)
            case "cs":
                session = await self._session(reference)
                return None if session is None else _payment_of_session(session)
            case "ch" | "py":
                charge = await self._api.find(path_of("charges", reference))
                return None if charge is None else _payment_of_charge(charge)
            case "in":
                invoice = await self._invoice(reference)
                return None if invoice is None else _payment_of_invoice(invoice)
            case _:
                return None

    async def list_payments(self, link_reference: str) -> Sequence[GatewayPayment]:
        """Every charge that failed in a checkout session, and last the one that did not."""
        session = await self._session(link_reference)
        intent = Fields({}) if session is None else session.inner("payment_intent")
        if session is None or not intent:
            return ()
        with understood(Provider.STRIPE):
            form = {"payment_intent": intent.text("id")}
        charges = [one async for one in self._api.walk(path_of("charges"), form)]
        tried = [_payment_of_charge(one) for one in reversed(charges)]
        failed = [one for one in tried if one.status is GatewayStatus.FAILED]
        payment = _payment_of_session(session)
        if payment is None or payment.status is GatewayStatus.FAILED:
            return failed
        return [*failed, payment]

    async def _session(self, reference: str) -> Fields | None:
        return await self._api.find(
            path_of("checkout", "sessions", reference),
            {"expand": [f"payment_intent.{name}" for name in EXPANDED]},
        )

    async def _invoice(self, reference: str) -> Fields | None:
        return await self._api.find(path_of("invoices", reference), {"expand": ["payments"]})

    async def expire_link(self, reference: str) -> None:
        """Nothing can be paid in the session any more. Idempotent: one that is over stays so."""
        try:
            await self._api.post(path_of("checkout", "sessions", reference, "expire"), {})
        except StripeRefusal:
            session = await self._session(reference)
            if session is None or session.find_words("status") == "open":
                raise

    async def refund(self, request: RefundRequest) -> GatewayRefund:
        """What became of sending money back. Idempotent by the key."""
        intent, charge = await self._refundable(request.payment_reference)
        try:
            refund = await self._api.post(
                path_of("refunds"),
                refund_form(request, intent=intent, charge=charge),
                key=f"refund-{request.idempotency_key}",
            )
        except StripeRefusal as refusal:
            raise _not_final(refusal) from refusal
        return _refund(refund)

    async def find_refund(
        self, *, payment_reference: str, key: str | None, reference: str | None = None
    ) -> GatewayRefund | None:
        """The refund of that id, or of that key among all of the payment's."""
        if reference is not None:
            found = await self._api.find(path_of("refunds", reference))
            return None if found is None else _refund(found)
        intent, charge = await self._refundable(payment_reference)
        form = {"payment_intent": intent, "charge": charge}
        async for refund in self._api.walk(path_of("refunds"), form):
            if refund.inner("metadata").find_words("idempotency_key") == key:
                return _refund(refund)
        return None

    async def _refundable(self, reference: str) -> tuple[str | None, str | None]:
        """The intent or the charge that a payment is refunded by."""
        match reference.split("_", 1)[0]:
            case "pi":
                return reference, None
            case "cs":
                session = await self._session(reference)
                with understood(Provider.STRIPE):
                    intent = session and session.reference("payment_intent")
            case "in":
                invoice = await self._invoice(reference)
                with understood(Provider.STRIPE):
                    intent = invoice and intent_of_invoice(invoice)
            case _:
                return None, reference
        if not intent:
            raise Rejected("Nothing was paid there.", field="payment_reference")
        return intent, None

    async def find_dispute(self, reference: str) -> GatewayDispute | None:
        """The dispute of that id."""
        found = await self._api.find(path_of("disputes", reference))
        if found is None:
            return None
        with understood(Provider.STRIPE):
            return read_dispute(found, at=found.moment("created"))

    def read_webhook(
        self, headers: Mapping[str, str], body: bytes, *, now: datetime
    ) -> GatewayEvent:
        """What an event says, once it is known to be Stripe's. Raises WebhookRefused."""
        return read_event(self._webhook_secret, headers, body, now=now)


def _payment(intent: Fields, *, failure: Fields | None = None) -> GatewayPayment | None:
    with understood(Provider.STRIPE):
        return read_intent(intent, failure=failure)


def _payment_of_session(session: Fields) -> GatewayPayment | None:
    intent = session.inner("payment_intent")
    if not intent:
        return None
    with understood(Provider.STRIPE):
        return read_intent(intent, session=session.text("id"))


def _payment_of_charge(charge: Fields) -> GatewayPayment:
    with understood(Provider.STRIPE):
        return read_charge(charge)


def _payment_of_invoice(invoice: Fields) -> GatewayPayment | None:
    if invoice.find_words("status") != "paid":
        return None
    with understood(Provider.STRIPE):
        at = invoice.inner("status_transitions").find_moment("paid_at")
        return read_invoice(invoice, at=at or invoice.moment("created"), has_failed=False)


def _refund(refund: Fields) -> GatewayRefund:
    with understood(Provider.STRIPE):
        return read_refund(refund)


def _not_final(refusal: StripeRefusal) -> StripeRefusal | Unavailable:
    """A key that was used before says that something was asked, and not what became of it."""
    if refusal.is_other_request:
        return Unavailable("Stripe knows the key from another request: what it did is unknown.")
    return refusal
