"""Values of gateways: what is never shown, and who is asked where nobody is installed."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from billing.errors import IntegrationError, Rejected
from billing.payments.gateways import (
    KEY_REFUSED,
    OUTBOUND_OFF,
    GatewayAccount,
    GatewayEvent,
    GatewayPayment,
    GatewayStatus,
    NoGateways,
    PaymentRequest,
    Provider,
    WebhookRefused,
)
from billing.payments.states import ARRIVES_LATEST, FIRST_PAUSE, LONGEST_PAUSE, WATCHED_AFTER
from tests.billing.builders import d, utc

ONE = UUID(int=1)


def account(provider: Provider = Provider.STRIPE) -> GatewayAccount:
    return GatewayAccount(
        organization_id=ONE,
        connection_id=ONE,
        provider=provider,
        secrets={"secret_key": "sk_test_abcdefgh"},
        webhook_url="https://billing.lumenworks.test/hook",
    )


def test_secrets_of_an_account_are_in_no_text_of_it() -> None:
    found = account()

    assert found.secrets["secret_key"] == "sk_test_abcdefgh"
    assert "sk_test" not in f"{found} {found!r}"
    assert "secrets" not in repr(found)
    assert "stripe" in repr(found)


@pytest.mark.parametrize("provider", Provider)
def test_where_no_adapter_is_installed_nobody_is_asked(provider: Provider) -> None:
    with pytest.raises(Rejected) as refused:
        NoGateways().gateway_of(account(provider))

    assert (refused.value.code, refused.value.field) == ("no_adapter", None)
    assert refused.value.detail == f"There is no adapter for {provider.value}."


def test_a_webhook_that_is_refused_is_refused_for_good() -> None:
    refused = WebhookRefused("The signature is not right.")

    assert isinstance(refused, Rejected)
    assert isinstance(refused, IntegrationError)
    assert refused.code == "webhook_refused"


def test_reasons_of_gateways_are_words_that_do_not_change() -> None:
    assert (KEY_REFUSED, OUTBOUND_OFF) == ("gateway_key_refused", "outbound_off")


def test_what_a_gateway_does_not_say_is_not_there() -> None:
    payment = GatewayPayment(
        references=("pi_1", "cs_1"),
        status=GatewayStatus.SUCCEEDED,
        amount=d("82.45"),
        currency="USD",
        at=utc("2026-01-01"),
    )
    event = GatewayEvent(id="evt_1", type="charge.updated")

    assert (payment.invoice_id, payment.idempotency_key, payment.saved_method) == (None, None, None)
    assert (payment.refunded_amount, payment.is_declined_for_good) == (0, False)
    assert (event.payment, event.refund, event.dispute) == (None, None, None)


def test_a_request_names_its_customer_and_needs_no_mail() -> None:
    request = PaymentRequest(
        organization_id=ONE,
        invoice_id=ONE,
        customer_id=ONE,
        invoice_number="INV-1",
        amount=d(5),
        currency="USD",
        idempotency_key="k",
        customer_name="Harbor",
    )

    assert (request.customer_email, request.return_url) == (None, None)


def test_pauses_and_waits_of_gateways_are_those_that_are_documented() -> None:
    assert (timedelta(seconds=5), timedelta(hours=1)) == (FIRST_PAUSE, LONGEST_PAUSE)
    assert (timedelta(days=1), timedelta(days=30)) == (WATCHED_AFTER, ARRIVES_LATEST)
