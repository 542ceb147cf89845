"""The verbs of a gateway, at Razorpay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from billing.errors import Unavailable
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
from integrations.gateways.razorpay.api import RazorpayApi, RazorpayRefusal, path_of, short_key
from integrations.gateways.razorpay.bodies import (
    charge_body,
    link_body,
    order_body,
    refund_body,
)
from integrations.gateways.razorpay.reading import (
    marks_of,
    read_dispute,
    read_payment,
    read_refund,
)
from integrations.gateways.razorpay.webhooks import read_event

MOST_ITEMS: Final = 100


class RazorpayGateway:
    """One organization's account at Razorpay.

    **Nothing twice.** Only refunds have a header against it. A link's reference is unique, so a
    second one is refused and the first looked up. A charge is made on an order of its own, which is
    found by its receipt before another is made, and charged only once it can be found so. Two who
    charge with one key at one moment are not kept apart by it: whoever asks holds the payment.
    """

    def __init__(self, api: RazorpayApi, *, webhook_secret: str) -> None:
        self._api = api
        self._webhook_secret = webhook_secret

    async def create_link(self, request: PaymentRequest) -> PaymentLink:
        """A payment link, open for half a year. Idempotent by the key, which is its reference."""
        body = link_body(request)
        try:
            link = await self._api.post(path_of("payment_links"), body)
        except RazorpayRefusal:
            known = await self._link_of(request)
            if known is None or known.find_integer("amount") != body["amount"]:
                raise
            link = known
        with understood(Provider.RAZORPAY):
            return PaymentLink(
                reference=link.text("id"),
                url=link.url("short_url"),
                expires_at=link.find_moment("expire_by"),
            )

    async def _link_of(self, request: PaymentRequest) -> Fields | None:
        reference = short_key(request.idempotency_key)
        listed = await self._api.get(path_of("payment_links"), {"reference_id": reference})
        found = listed.each("payment_links")
        return next((one for one in found if one.find_words("reference_id") == reference), None)

    async def charge(self, request: PaymentRequest, method: SavedMethod) -> GatewayPayment:
        """What became of the charge; one that a bank declined has failed. Idempotent by the key."""
        orders = await self._orders_of(request.idempotency_key)
        known = await self._outcome(orders)
        if known is not None:
            return known
        customer = await self._api.get(path_of("customers", method.customer_reference))
        order = orders[0] if orders else await self._make_order(request)
        with understood(Provider.RAZORPAY):
            body = charge_body(request, method, order=order.text("id"), customer=customer)
        try:
            made = await self._api.post(path_of("payments", "create", "recurring"), body)
        except RazorpayRefusal as refusal:
            if refusal.payment is None:
                return await self._after_refusal(order, refusal)
            reference = refusal.payment
        else:
            with understood(Provider.RAZORPAY):
                reference = made.text("razorpay_payment_id")
        payment = await self.find_payment(reference=reference, key=None)
        if payment is None:
            raise Unavailable("Razorpay does not know yet what became of the charge.")
        return payment

    async def _outcome(self, orders: Sequence[Fields]) -> GatewayPayment | None:
        """What became of the orders of a charge; None if surely nothing was tried on them.

        Each is asked for by its id, for a list may be behind. Raises Unavailable where something
        was tried whose end cannot be seen yet.
        """
        known = _best(await self._payments_of(orders))
        for order in () if known else orders:
            with understood(Provider.RAZORPAY):
                path = path_of("orders", order.text("id"))
            if (await self._api.get(path)).find_words("status") != "created":
                raise Unavailable("Razorpay tried the charge, and does not say yet with what end.")
        return known

    async def _after_refusal(self, order: Fields, refusal: RazorpayRefusal) -> GatewayPayment:
        """A no may be said because the order was paid by a try whose answer was lost."""
        known = await self._outcome([order])
        if known is None:
            raise refusal
        return known

    async def forget_method(self, method: SavedMethod) -> None:
        """The token is deleted, and the mandate with it. Idempotent: one that is gone is gone."""
        await self._api.delete(
            path_of("customers", method.customer_reference, "tokens", method.method_reference)
        )

    async def find_payment(
        self,
        *,
        reference: str | None,
        key: str | None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> GatewayPayment | None:
        """The payment of that id, or of the order that the key is the receipt of.

        What a bank has only authorized is captured: it would go back to the customer in some days.
        """
        del since, until  # orders are found by their receipt, however old they are
        if reference is None:
            return None if key is None else await self._outcome(await self._orders_of(key))
        if not reference.startswith("pay_"):
            return None
        payment = await self._payment(reference)
        return None if payment is None else await self._read(payment, marks_of(payment))

    async def _make_order(self, request: PaymentRequest) -> Fields:
        """An order that is listed: what is charged on another could not be found again."""
        await self._api.post(path_of("orders"), order_body(request))
        listed = await self._orders_of(request.idempotency_key)
        if not listed:
            raise Unavailable("Razorpay does not list the charge's order yet.")
        return listed[0]

    async def _orders_of(self, key: str) -> list[Fields]:
        """The order that was made for a charge; two if the answer to the first was lost."""
        listed = await self._api.get(
            path_of("orders"), {"receipt": short_key(key), "count": MOST_ITEMS}
        )
        found = [
            one
            for one in listed.each("items")
            if one.inner("notes").find_words("idempotency_key") == key
        ]
        return _ordered(found)

    async def _payments_of(self, orders: Sequence[Fields]) -> list[GatewayPayment]:
        return [one for order in orders for one in await self._tried(order, marks_of(order))]

    async def _tried(self, order: Fields, marks: Fields) -> list[GatewayPayment]:
        with understood(Provider.RAZORPAY):
            path = path_of("orders", order.text("id"), "payments")
        listed = await self._api.get(path)
        read = [
            await self._read(one, marks_of(one) or marks) for one in _ordered(listed.each("items"))
        ]
        return [one for one in read if one is not None]

    async def list_payments(self, link_reference: str) -> Sequence[GatewayPayment]:
        """Every payment that was tried on a link's page, each with a name of its own."""
        link = await self._api.find(path_of("payment_links", link_reference))
        if link is None:
            return ()
        order, marks = link.find_words("order_id"), marks_of(link)
        if order is not None:
            return await self._tried(Fields({"id": order}), marks)
        named = [one.find_words("payment_id") for one in link.each("payments")]
        told = [await self._payment(one) for one in named if one is not None]
        read = [await self._read(one, marks_of(one) or marks) for one in told if one is not None]
        return [one for one in read if one is not None]

    async def _read(self, payment: Fields, marks: Fields) -> GatewayPayment | None:
        if payment.find_words("status") == "authorized" and marks:
            payment = await self._capture(payment)
        with understood(Provider.RAZORPAY):
            return read_payment(payment, marks)

    async def _capture(self, payment: Fields) -> Fields:
        """The payment, captured unless Razorpay will not have it. Idempotent: it is taken once."""
        with understood(Provider.RAZORPAY):
            reference = payment.text("id")
            body = {"amount": payment.integer("amount"), "currency": payment.text("currency")}
        try:
            return await self._api.post(path_of("payments", reference, "capture"), body)
        except RazorpayRefusal:
            return await self._payment(reference) or payment

    async def _payment(self, reference: str) -> Fields | None:
        return await self._api.find(f"{path_of('payments', reference)}?expand[]=card")

    async def expire_link(self, reference: str) -> None:
        """Nothing can be paid on the link's page any more. Idempotent: what is over stays so."""
        try:
            await self._api.post(path_of("payment_links", reference, "cancel"), {})
        except RazorpayRefusal:
            link = await self._api.find(path_of("payment_links", reference))
            if link is None or link.find_words("status") in {"created", "partially_paid"}:
                raise

    async def refund(self, request: RefundRequest) -> GatewayRefund:
        """What became of sending money back. Idempotent by the key."""
        refund = await self._api.post(
            path_of("payments", request.payment_reference, "refund"),
            refund_body(request),
            headers={"X-Refund-Idempotency": short_key(request.idempotency_key)},
        )
        with understood(Provider.RAZORPAY):
            return read_refund(refund)

    async def find_refund(
        self, *, payment_reference: str, key: str | None, reference: str | None = None
    ) -> GatewayRefund | None:
        """The refund of that id, or of that key among the newest hundred of the payment's."""
        if reference is not None:
            told = await self._api.find(path_of("refunds", reference))
            with understood(Provider.RAZORPAY):
                return None if told is None else read_refund(told)
        listed = await self._api.get(
            path_of("payments", payment_reference, "refunds"), {"count": MOST_ITEMS}
        )
        with understood(Provider.RAZORPAY):
            found = [read_refund(one) for one in listed.each("items")]
        return next((one for one in found if one.idempotency_key == key), None)

    async def find_dispute(self, reference: str) -> GatewayDispute | None:
        """The dispute of that id."""
        told = await self._api.find(path_of("disputes", reference))
        with understood(Provider.RAZORPAY):
            return None if told is None else read_dispute(told, at=told.moment("created_at"))

    def read_webhook(
        self, headers: Mapping[str, str], body: bytes, *, now: datetime
    ) -> GatewayEvent:
        """What an event says, once it is known to be Razorpay's. Raises WebhookRefused."""
        return read_event(self._webhook_secret, headers, body, now=now)


def _ordered(entities: Sequence[Fields]) -> list[Fields]:
    """The oldest first, as nothing that Razorpay lists is."""
    with understood(Provider.RAZORPAY):
        return sorted(entities, key=lambda one: one.integer("created_at"))


def _best(tried: Sequence[GatewayPayment]) -> GatewayPayment | None:
    """What became of a charge: what succeeded, or may yet, or failed last."""
    for status in (GatewayStatus.SUCCEEDED, GatewayStatus.PENDING):
        for one in tried:
            if one.status is status:
                return one
    return tried[-1] if tried else None
