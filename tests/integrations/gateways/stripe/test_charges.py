"""Charges at Stripe, and payments looked up: what is asked, and what becomes of the answers."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from billing.errors import Rejected, Unavailable
from billing.payments.gateways import Gateway, GatewayStatus, SavedMethod
from integrations.gateways.stripe import api
from tests.integrations.gateways.double import ProviderDouble, Reply
from tests.integrations.gateways.shapes import (
    CANARY,
    CARD,
    CHARGE,
    CUSTOMER,
    INTENT,
    INVOICE,
    NOW,
    ORGANIZATION,
    SESSION,
    STRIPE_SECRETS,
    intent_shape,
    payment_request,
    refund_request,
    shape,
)

INTENTS = "/v1/payment_intents"
SESSIONS = "/v1/checkout/sessions"


async def test_what_stripe_cannot_charge_is_not_asked_for(
    stripe: Gateway, provider: ProviderDouble
) -> None:
    with pytest.raises(Rejected) as refused:
        await stripe.charge(payment_request(amount=Decimal("5.5"), currency="ISK"), CARD)
    with pytest.raises(Rejected, match="lead back somewhere"):
        await stripe.create_link(payment_request(return_url=None))

    assert refused.value.field == "amount"
    assert provider.asked == []


async def test_a_saved_method_is_charged_while_nobody_is_there(
    stripe: Gateway, provider: ProviderDouble
) -> None:
    provider.on("POST", INTENTS, Reply(intent_shape(key="attempt-1", setup_future_usage=None)))

    payment = await stripe.charge(payment_request(), CARD)

    assert payment.references == (INTENT, CHARGE)
    assert (payment.status, payment.amount, payment.currency) == (
        GatewayStatus.SUCCEEDED,
        Decimal("82.45"),
        "USD",
    )
    assert (payment.organization_id, payment.invoice_id, payment.customer_id) == (
        ORGANIZATION,
        INVOICE,
        CUSTOMER,
    )
    assert (payment.idempotency_key, payment.method) == ("attempt-1", "card")
    assert payment.at == datetime.fromtimestamp(1795910405, UTC)
    [asked] = provider.asked
    assert asked.headers["idempotency-key"] == "charge-attempt-1"
    assert {
        "amount": "8245",
        "currency": "usd",
        "customer": CARD.customer_reference,
        "payment_method": CARD.method_reference,
        "confirm": "true",
        "off_session": "true",
        "metadata[idempotency_key]": "attempt-1",
        "metadata[invoice_id]": str(INVOICE),
        "expand[0]": "latest_charge",
    }.items() <= asked.form.items()


@pytest.mark.parametrize(
    ("changes", "code", "is_for_good"),
    [
        ({}, "insufficient_funds", False),
        ({"decline_code": "generic_decline"}, "generic_decline", False),
        ({"decline_code": "lost_card"}, "lost_card", True),
        ({"decline_code": "stolen_card"}, "stolen_card", True),
        ({"decline_code": "pickup_card"}, "pickup_card", True),
        ({"code": "expired_card", "decline_code": None}, "expired_card", True),
        ({"advice_code": "do_not_try_again"}, "insufficient_funds", True),
        ({"code": "authentication_required"}, "insufficient_funds", False),
    ],
)
async def test_a_declined_card_is_a_failed_payment(
    stripe: Gateway,
    provider: ProviderDouble,
    changes: dict[str, Any],
    code: str,
    is_for_good: bool,
) -> None:
    declined = shape("stripe/declined")
    declined["error"] |= changes
    provider.on("POST", INTENTS, Reply(declined, 402))

    payment = await stripe.charge(payment_request(), CARD)

    assert payment.status is GatewayStatus.FAILED
    assert payment.references == (INTENT, CHARGE)
    assert (payment.error_code, payment.is_declined_for_good) == (code, is_for_good)
    assert payment.error == "Your card has insufficient funds."
    assert payment.amount == Decimal("82.45")
    assert payment.saved_method is None


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_final_no_says_why_and_shows_no_secret(
    stripe: Gateway, provider: ProviderDouble, status: int
) -> None:
    words = f"Invalid API Key provided: {STRIPE_SECRETS['secret_key']}"
    provider.on("POST", INTENTS, Reply({"error": {"message": words}}, status))

    with pytest.raises(Rejected) as refused:
        await stripe.charge(payment_request(), CARD)

    assert refused.value.detail == "Stripe: Invalid API Key provided: [secret]"
    assert CANARY not in repr(refused.value)


@pytest.mark.parametrize("status", [301, 302, 408, 409, 429, 500, 502, 503, 504])
async def test_an_answer_that_leaves_it_open_is_none(
    stripe: Gateway, provider: ProviderDouble, status: int
) -> None:
    provider.on("POST", INTENTS, Reply({}, status, {"Location": f"{provider.url}/elsewhere"}))

    with pytest.raises(Unavailable, match=f"Stripe answered {status}"):
        await stripe.charge(payment_request(), CARD)

    assert len(provider.asked) == 1


async def test_a_key_that_was_used_before_says_not_what_it_did(
    stripe: Gateway, provider: ProviderDouble
) -> None:
    provider.on("POST", INTENTS, Reply({"error": {"type": "idempotency_error"}}, 400))
    provider.on("POST", "/v1/refunds", Reply({"error": {"type": "idempotency_error"}}, 400))

    with pytest.raises(Unavailable, match="what it did is unknown"):
        await stripe.charge(payment_request(), CARD)
    with pytest.raises(Unavailable, match="what it did is unknown"):
        await stripe.refund(refund_request())


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"", b'{"id": 1}', b'{"id":"pi_1","status":"new"}', b"\xff", b"{}"],
)
async def test_a_yes_that_cannot_be_read_leaves_it_open(
    stripe: Gateway, provider: ProviderDouble, body: bytes
) -> None:
    provider.on("POST", INTENTS, Reply(body))

    with pytest.raises(Unavailable):
        await stripe.charge(payment_request(), CARD)


async def test_a_payment_is_found_by_every_name_it_has(
    stripe: Gateway, provider: ProviderDouble
) -> None:
    provider.on("GET", f"{INTENTS}/{INTENT}", Reply(intent_shape()))
    provider.on("GET", f"/v1/charges/{CHARGE}", Reply(shape("stripe/charge")))
    session = shape("stripe/checkout_session", payment_intent=intent_shape())
    provider.on("GET", f"{SESSIONS}/{SESSION}", Reply(session))

    found = [
        await stripe.find_payment(reference=one, key=None) for one in (INTENT, CHARGE, SESSION)
    ]

    assert [one and one.references for one in found] == [
        (INTENT, CHARGE),
        (INTENT, CHARGE),
        (INTENT, SESSION, CHARGE),
    ]
    assert {one and one.amount for one in found} == {Decimal("82.45")}
    assert [one and one.idempotency_key for one in found] == [None, None, None]


async def test_an_invoice_of_stripes_is_found_once_it_is_paid(
    stripe: Gateway, provider: ProviderDouble
) -> None:
    payments = {"data": [{"payment": {"type": "payment_intent", "payment_intent": INTENT}}]}
    provider.on(
        "GET",
        "/v1/invoices/in_1",
        Reply(shape("stripe/invoice", payments=payments)),
        Reply(shape("stripe/invoice", status="open")),
    )

    paid = await stripe.find_payment(reference="in_1", key=None)

    assert paid is not None
    assert (paid.references, paid.invoice_id) == (("in_1QExample0000000000000001", INTENT), INVOICE)
    assert await stripe.find_payment(reference="in_1", key=None) is None
    assert await stripe.find_payment(reference="in_gone", key=None) is None


async def test_what_stripe_kept_can_be_charged_later(
    stripe: Gateway, provider: ProviderDouble
) -> None:
    provider.on(
        "GET",
        f"{INTENTS}/{INTENT}",
        Reply(intent_shape()),
        Reply(intent_shape(setup_future_usage=None)),
        Reply(intent_shape(customer=None)),
    )

    found = [await stripe.find_payment(reference=INTENT, key=None) for _ in range(3)]

    assert [one and one.saved_method for one in found] == [CARD, None, None]


async def test_other_methods_are_named_too(stripe: Gateway, provider: ProviderDouble) -> None:
    method = {"id": "pm_2", "type": "sepa_debit", "sepa_debit": {"last4": "3000"}}
    intent = intent_shape(payment_method=method, latest_charge=CHARGE)
    provider.on("GET", f"{INTENTS}/{INTENT}", Reply(intent))

    found = await stripe.find_payment(reference=INTENT, key=None)

    assert found is not None
    assert found.saved_method == SavedMethod(
        customer_reference=CARD.customer_reference,
        method_reference="pm_2",
        label="Sepa debit ending in 3000",
    )


@pytest.mark.parametrize(
    "reference", ["pi_gone", "cs_gone", "ch_gone", "in_1", "x", "pi_1:pm_1", "../"]
)
async def test_an_unknown_name_is_none(
    stripe: Gateway, provider: ProviderDouble, reference: str
) -> None:
    assert await stripe.find_payment(reference=reference, key=None) is None


async def test_a_charge_is_found_by_its_key_on_any_page_of_the_list(
    stripe: Gateway, provider: ProviderDouble
) -> None:
    others = [intent_shape(key=f"other-{n}", id=f"pi_other{n}") for n in range(2)]
    ours = intent_shape(key="attempt-1")
    provider.on(
        "GET",
        INTENTS,
        Reply({"data": others, "has_more": True}),
        Reply({"data": [ours], "has_more": False}),
    )

    found = await stripe.find_payment(reference=None, key="attempt-1", since=NOW, until=NOW)

    assert found is not None
    assert (found.references, found.idempotency_key) == ((INTENT, CHARGE), "attempt-1")
    first, second = provider.asked
    # Five minutes more than asked for on either side: clocks differ. What was charged long after it
    # is not walked through, however much that is.
    assert first.query["created[gte]"] == "1795910106"
    assert first.query["created[lte]"] == "1795910706"
    assert (first.query["limit"], second.query["starting_after"]) == ("100", "pi_other1")


async def test_a_charge_that_never_came_is_none_at_the_end_of_the_list(
    stripe: Gateway, provider: ProviderDouble
) -> None:
    provider.on("GET", INTENTS, Reply({"data": [], "has_more": False}))

    assert await stripe.find_payment(reference=None, key="attempt-1", since=NOW) is None
    assert await stripe.find_payment(reference=None, key=None) is None


async def test_a_list_without_an_end_is_no_proof(
    stripe: Gateway, provider: ProviderDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "MOST_PAGES", 3)
    provider.on("GET", INTENTS, Reply({"data": [intent_shape(id="pi_x")], "has_more": True}))

    with pytest.raises(Unavailable, match="more than 300"):
        await stripe.find_payment(reference=None, key="attempt-1")
