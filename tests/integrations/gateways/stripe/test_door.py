"""What Stripe refuses at the door: a key that it does not take, a charge that leads nowhere."""

from __future__ import annotations

import pytest

from billing.errors import Rejected
from billing.payments.gateways import KEY_REFUSED, Gateway
from tests.integrations.gateways.double import ProviderDouble, Reply
from tests.integrations.gateways.shapes import CARD, intent_shape, payment_request

INTENTS = "/v1/payment_intents"


async def test_a_charge_says_where_a_redirect_leads_back_to_or_that_there_is_none(
    stripe: Gateway, provider: ProviderDouble
) -> None:
    """Stripe refuses every charge that says neither, whatever the method is."""
    provider.on("POST", INTENTS, Reply(intent_shape(key="attempt-1")))

    await stripe.charge(payment_request(), CARD)
    await stripe.charge(payment_request(return_url=None), CARD)

    redirects = "automatic_payment_methods[allow_redirects]"
    said = [(one.form.get("return_url"), one.form.get(redirects)) for one in provider.asked]
    assert said == [("https://billing.example.com/p/token", None), (None, "never")]


@pytest.mark.parametrize("status", [401, 403])
async def test_a_no_to_our_key_is_told_from_a_no_to_the_charge(
    stripe: Gateway, provider: ProviderDouble, status: int
) -> None:
    provider.on("POST", INTENTS, Reply({"error": {"message": "No such key."}}, status))

    with pytest.raises(Rejected) as refused:
        await stripe.charge(payment_request(), CARD)

    assert refused.value.code == KEY_REFUSED
