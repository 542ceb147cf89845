"""Answers are lost after the deed is done, and nothing is done twice.

Each provider keeps a ledger of its own here, which is what counts in the end.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from billing.errors import Unavailable
from billing.payments.gateways import Gateway, GatewayPayment, GatewayStatus, SavedMethod
from tests.integrations.gateways.double import Asked, ProviderDouble, Reply
from tests.integrations.gateways.shapes import (
    CARD,
    NOW,
    TOKEN,
    Shape,
    intent_shape,
    payment_request,
    refund_request,
    rupee_request,
    shape,
)

RECURRING = "/v1/payments/create/recurring"
KEY = "attempt-key-01"


@dataclass
class Losses:
    """Which of the answers to come are lost on their way."""

    seed: int
    chance: float = 0.5
    most: int = 6
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def maybe(self, body: Shape) -> Reply:
        if self.most and self._random.random() < self.chance:
            self.most -= 1
            return Reply(is_lost=True)
        return Reply(body)


@dataclass
class StripeLedger:
    """Intents and refunds by their Idempotency-Key, as Stripe keeps them for a day."""

    losses: Losses
    intents: dict[str, Shape] = field(default_factory=dict)
    refunds: dict[str, Shape] = field(default_factory=dict)
    latest_key: str = ""

    def charge(self, asked: Asked) -> Reply:
        key = asked.headers["idempotency-key"]
        made = intent_shape(key=asked.form["metadata[idempotency_key]"])
        return self.losses.maybe(self.intents.setdefault(key, {**made, "id": f"pi_{key[-1]}"}))

    def refund(self, asked: Asked) -> Reply:
        key = asked.headers["idempotency-key"]
        return self.losses.maybe(self.refunds.setdefault(key, shape("stripe/refund")))

    def listed(self, _: Asked) -> Reply:
        return self.losses.maybe({"data": [*self.intents.values()], "has_more": False})


@dataclass
class RazorpayLedger:
    """Orders and the payments on them; ``lags`` is how many looks an order takes to be listed.

    Those of 17 and 23 were charged twice on orders that were not listed yet.
    """

    losses: Losses
    double: ProviderDouble
    lags: int = 0
    orders: list[Shape] = field(default_factory=list)
    payments: list[Shape] = field(default_factory=list)

    def make_order(self, asked: Asked) -> Reply:
        number = len(self.orders)
        order = shape(
            "razorpay/order",
            id=f"order_{number}",
            notes=asked.json["notes"],
            created_at=1795910390 + number,
        )
        self.orders.append(order)
        self.double.on("GET", f"/v1/orders/order_{number}/payments", self.paid_on)
        self.double.on("GET", f"/v1/orders/order_{number}", lambda _: Reply(order))
        return self.losses.maybe(order)

    def listed_orders(self, _: Asked) -> Reply:
        if self.orders and self.lags:
            self.lags -= 1
            return Reply({"items": []})
        return self.losses.maybe({"items": self.orders})

    def paid_on(self, asked: Asked) -> Reply:
        order = asked.path.split("/")[3]
        return Reply({"items": [one for one in self.payments if one["order_id"] == order]})

    def charge(self, asked: Asked) -> Reply:
        order = asked.json["order_id"]
        payment = shape("razorpay/payment", notes=asked.json["notes"], order_id=order)
        self.payments.append(payment)
        next(one for one in self.orders if one["id"] == order)["status"] = "paid"
        return self.losses.maybe(shape("razorpay/recurring", razorpay_order_id=order))


async def until_known(
    gateway: Gateway, *, key: str, in_rupees: bool, since: datetime = NOW
) -> GatewayPayment:
    """What whoever charges does: look the key up, and charge with the same key if it is unknown."""
    make = rupee_request if in_rupees else payment_request
    method: SavedMethod = TOKEN if in_rupees else CARD
    for _ in range(50):
        try:
            found = await gateway.find_payment(reference=None, key=key, since=since)
            return found or await gateway.charge(make(idempotency_key=key), method)
        except Unavailable:
            continue
    raise AssertionError("Every answer was lost.")


@pytest.mark.parametrize("seed", range(12))
async def test_stripe_charges_once_whatever_is_lost(
    stripe: Gateway, provider: ProviderDouble, seed: int
) -> None:
    ledger = StripeLedger(Losses(seed))
    provider.on("POST", "/v1/payment_intents", ledger.charge)
    provider.on("GET", "/v1/payment_intents", ledger.listed)

    payment = await until_known(stripe, key="attempt-1", in_rupees=False)

    assert (payment.status, payment.idempotency_key) == (GatewayStatus.SUCCEEDED, "attempt-1")
    assert [*ledger.intents] == ["charge-attempt-1"]


async def test_the_same_charge_again_is_the_look_up_at_stripe(
    stripe: Gateway, provider: ProviderDouble
) -> None:
    ledger = StripeLedger(Losses(0, chance=1, most=3))
    provider.on("POST", "/v1/payment_intents", ledger.charge)

    for _ in range(3):
        with pytest.raises(Unavailable):
            await stripe.charge(payment_request(), CARD)
    payment = await stripe.charge(payment_request(), CARD)

    assert payment.status is GatewayStatus.SUCCEEDED
    assert len(ledger.intents) == 1
    # Not a byte differs, for Stripe compares them.
    assert len({(one.body, one.headers["idempotency-key"]) for one in provider.asked}) == 1


async def test_stripe_refunds_once_whatever_is_lost(
    stripe: Gateway, provider: ProviderDouble
) -> None:
    ledger = StripeLedger(Losses(0, chance=1, most=2))
    provider.on("POST", "/v1/refunds", ledger.refund)

    for _ in range(2):
        with pytest.raises(Unavailable):
            await stripe.refund(refund_request())
    refund = await stripe.refund(refund_request())

    assert refund.idempotency_key == "refund-1"
    assert [*ledger.refunds] == ["refund-refund-1"]


@pytest.mark.parametrize("lags", [0, 1, 3])
@pytest.mark.parametrize("seed", [0, 1, 10, 17, 23, 33])
async def test_razorpay_charges_once_whatever_is_lost(
    razorpay: Gateway, provider: ProviderDouble, seed: int, lags: int
) -> None:
    ledger = RazorpayLedger(Losses(seed), provider, lags=lags)
    provider.on("GET", "/v1/orders", ledger.listed_orders)
    provider.on("POST", "/v1/orders", ledger.make_order)
    provider.on("GET", "/v1/customers/cust_ExampleAAAA01", Reply(shape("razorpay/customer")))
    provider.on("POST", RECURRING, ledger.charge)
    provider.on("GET", "/v1/payments/pay_ExampleAAAA001", lambda _: Reply(ledger.payments[0]))

    payment = await until_known(razorpay, key=KEY, in_rupees=True)

    assert (payment.status, payment.idempotency_key) == (GatewayStatus.SUCCEEDED, KEY)
    assert len(ledger.payments) == 1
