"""Checkout sessions: what they are made of, what was tried in them, and how they end."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from billing.errors import Rejected
from billing.payments.gateways import Gateway, GatewayStatus, PaymentLink
from integrations.gateways.stripe.api import VERSION, encode_form
from tests.integrations.gateways.double import ProviderDouble, Reply
from tests.integrations.gateways.shapes import (
    CHARGE,
    CUSTOMER,
    INTENT,
    INVOICE,
    ORGANIZATION,
    SESSION,
    STRIPE_SECRETS,
    intent_shape,
    payment_request,
    shape,
)

SESSIONS = "/v1/checkout/sessions"


def test_forms_are_written_in_brackets_and_without_what_is_none() -> None:
    form = encode_form({"a": True, "b": None, "c": {"d e": "ü&=", "f": [1, {"g": False}]}})

    assert form == "a=true&c%5Bd+e%5D=%C3%BC%26%3D&c%5Bf%5D%5B0%5D=1&c%5Bf%5D%5B1%5D%5Bg%5D=false"


async def test_a_link_is_a_checkout_session_for_a_day(
    stripe: Gateway, provider: ProviderDouble
) -> None:
    url = f"https://checkout.stripe.com/c/pay/{'x' * 600}#fid"
    provider.on("POST", SESSIONS, Reply(shape("stripe/checkout_session", url=url, status="open")))

    link = await stripe.create_link(payment_request())

    assert link == PaymentLink(
        reference=SESSION, url=url, expires_at=datetime.fromtimestamp(1795996700, UTC)
    )
    [asked] = provider.asked
    assert asked.headers["stripe-version"] == VERSION
    assert asked.headers["authorization"] == f"Bearer {STRIPE_SECRETS['secret_key']}"
    assert asked.headers["idempotency-key"].startswith("link-attempt-1-")
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    form = asked.form
    for place in ("metadata", "payment_intent_data[metadata]"):
        assert form[f"{place}[invoice_id]"] == str(INVOICE)
        assert form[f"{place}[customer_id]"] == str(CUSTOMER)
        assert form[f"{place}[organization_id]"] == str(ORGANIZATION)
        assert form[f"{place}[link_key]"] == "attempt-1"
    assert form["mode"] == "payment"
    assert form["line_items[0][price_data][unit_amount]"] == "8245"
    assert form["line_items[0][price_data][currency]"] == "usd"
    assert form["payment_intent_data[setup_future_usage]"] == "off_session"
    assert form["customer_creation"] == "always"
    assert form["customer_email"] == "ada@example.com"
    assert form["adaptive_pricing[enabled]"] == "false"


async def test_an_address_that_stripe_does_not_take_is_asked_for_on_its_page(
    stripe: Gateway, provider: ProviderDouble
) -> None:
    no = {"message": "Invalid email address: ada@", "param": "customer_email"}
    yes = shape("stripe/checkout_session", url="https://checkout.stripe.com/c/pay/x")
    provider.on("POST", SESSIONS, Reply({"error": no}, 400), Reply(yes))

    await stripe.create_link(payment_request(customer_email="ada@"))

    assert [one.form.get("customer_email") for one in provider.asked] == ["ada@", None]


async def test_the_same_link_has_the_same_key_and_another_page_another(
    stripe: Gateway, provider: ProviderDouble
) -> None:
    """Or Stripe would refuse the second, and the invoice would have no link at all."""
    url = "https://checkout.stripe.com/c/pay/x"
    provider.on("POST", SESSIONS, Reply(shape("stripe/checkout_session", url=url)))

    for email in ("ada@example.com", "ada@example.com", "lovelace@example.com"):
        await stripe.create_link(payment_request(customer_email=email))

    first, second, third = (one.headers["idempotency-key"] for one in provider.asked)
    assert first == second != third


async def test_a_customer_without_an_address_is_asked_for_one(
    stripe: Gateway, provider: ProviderDouble
) -> None:
    url = "https://checkout.stripe.com/c/pay/x"
    provider.on("POST", SESSIONS, Reply(shape("stripe/checkout_session", url=url)))

    await stripe.create_link(payment_request(customer_email=None))

    assert "customer_email" not in provider.asked[0].form


async def test_every_try_on_a_page_has_a_name_of_its_own(
    stripe: Gateway, provider: ProviderDouble
) -> None:
    session = shape("stripe/checkout_session", payment_intent=intent_shape())
    provider.on("GET", f"{SESSIONS}/{SESSION}", Reply(session))
    failed = shape(
        "stripe/charge",
        id="ch_failed",
        status="failed",
        failure_code="card_declined",
        failure_message="Your card was declined.",
        outcome={"reason": "stolen_card"},
    )
    charges = [shape("stripe/charge"), failed, {**failed, "id": "ch_first"}]
    provider.on("GET", "/v1/charges", Reply({"data": charges, "has_more": False}))

    payments = await stripe.list_payments(SESSION)

    assert [(one.references, one.status) for one in payments] == [
        (("ch_first",), GatewayStatus.FAILED),
        (("ch_failed",), GatewayStatus.FAILED),
        ((INTENT, SESSION, CHARGE), GatewayStatus.SUCCEEDED),
    ]
    assert [one.error_code for one in payments] == ["stolen_card", "stolen_card", None]
    assert provider.asks("GET", "/v1/charges")[0].query["payment_intent"] == INTENT


async def test_a_page_on_which_nobody_paid_has_no_payments(
    stripe: Gateway, provider: ProviderDouble
) -> None:
    untried = intent_shape(status="requires_payment_method", amount_received=0, latest_charge=None)
    provider.on(
        "GET",
        f"{SESSIONS}/{SESSION}",
        Reply(shape("stripe/checkout_session", payment_intent=None)),
        Reply(shape("stripe/checkout_session", payment_intent=untried)),
    )
    provider.on("GET", "/v1/charges", Reply({"data": [], "has_more": False}))

    assert list(await stripe.list_payments(SESSION)) == []
    assert list(await stripe.list_payments(SESSION)) == []
    assert list(await stripe.list_payments("cs_gone")) == []


async def test_a_session_is_expired_once_and_stays_so(
    stripe: Gateway, provider: ProviderDouble
) -> None:
    path = f"{SESSIONS}/{SESSION}"
    no = Reply({"error": {"message": "Only open sessions can be expired."}}, 400)
    provider.on("POST", f"{path}/expire", Reply(shape("stripe/checkout_session")), no)
    provider.on(
        "GET",
        path,
        Reply(shape("stripe/checkout_session", status="expired")),
        Reply(shape("stripe/checkout_session", status="complete")),
        Reply(shape("stripe/checkout_session", status="open")),
    )

    for _ in range(3):
        await stripe.expire_link(SESSION)
    with pytest.raises(Rejected, match="Only open sessions"):
        await stripe.expire_link(SESSION)
