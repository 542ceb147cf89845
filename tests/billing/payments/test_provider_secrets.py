"""Secrets are complete and look like their provider's, and say whether they are for tests."""

from __future__ import annotations

import pytest

from billing.errors import InvalidInput
from billing.payments.gateways import Provider
from billing.payments.provider_secrets import check_secrets, is_test_secret

STRIPE = {"secret_key": "sk_test_0123456789abcdef", "webhook_secret": "whsec_0123456789abcdef"}
RAZORPAY = {
    "key_id": "rzp_live_0123456789abcd",
    "key_secret": "a-B_9",
    "webhook_secret": "two words",
}


def test_secrets_of_every_provider_are_taken() -> None:
    check_secrets(Provider.STRIPE, STRIPE)
    check_secrets(Provider.STRIPE, {**STRIPE, "secret_key": "rk_live_0123456789abcdef"})
    check_secrets(Provider.RAZORPAY, RAZORPAY)
    check_secrets(Provider.SANDBOX, {})


@pytest.mark.parametrize(
    ("provider", "secrets", "field"),
    [
        (Provider.STRIPE, {**STRIPE, "secret_key": "pk_test_0123456789abcdef"}, "secret_key"),
        (Provider.STRIPE, {**STRIPE, "secret_key": "sk_test_0123456789abcdef\n"}, "secret_key"),
        (Provider.STRIPE, {**STRIPE, "secret_key": " sk_test_0123456789abcdef"}, "secret_key"),
        (Provider.STRIPE, {**STRIPE, "secret_key": "sk_test_０１２３４５６７８９"}, "secret_key"),
        (Provider.STRIPE, {**STRIPE, "webhook_secret": "sk_test_0123456789"}, "webhook_secret"),
        (Provider.STRIPE, {"secret_key": STRIPE["secret_key"]}, "webhook_secret"),
        (Provider.STRIPE, {**STRIPE, "key_id": "rzp_test_1"}, "key_id"),
        (Provider.RAZORPAY, {**RAZORPAY, "key_id": "rzp_demo_1234"}, "key_id"),
        (Provider.RAZORPAY, {**RAZORPAY, "key_secret": ""}, "key_secret"),
        (Provider.RAZORPAY, {**RAZORPAY, "key_secret": "a b"}, "key_secret"),
        (Provider.RAZORPAY, {**RAZORPAY, "webhook_secret": "pässword"}, "webhook_secret"),
        (Provider.RAZORPAY, {**RAZORPAY, "webhook_secret": "two words "}, "webhook_secret"),
        (Provider.SANDBOX, {"secret_key": "x"}, "secret_key"),
    ],
)
def test_others_are_refused_by_name_and_not_shown(
    provider: Provider, secrets: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_secrets(provider, secrets)

    assert (refused.value.code, refused.value.field) == ("invalid_secret", field)
    assert not any(len(shown) > 1 and shown in refused.value.detail for shown in secrets.values())


@pytest.mark.parametrize(
    ("provider", "secrets", "is_test"),
    [
        (Provider.STRIPE, {"secret_key": "sk_test_1"}, True),
        (Provider.STRIPE, {"secret_key": "rk_test_1"}, True),
        (Provider.STRIPE, {"secret_key": "sk_live_1"}, False),
        (Provider.STRIPE, {"secret_key": "xsk_test_1"}, False),
        (Provider.STRIPE, {}, False),
        (Provider.RAZORPAY, {"key_id": "rzp_test_1"}, True),
        (Provider.RAZORPAY, {"key_id": "rzp_live_1", "key_secret": "rzp_test_1"}, False),
        (Provider.SANDBOX, {}, True),
    ],
)
def test_a_test_secret_is_known_by_its_beginning(
    provider: Provider, secrets: dict[str, str], is_test: bool
) -> None:
    assert is_test_secret(provider, secrets) is is_test
