"""Every account has somebody who speaks for it."""

from __future__ import annotations

import httpx2
import pytest

from billing.errors import Rejected
from billing.payments.gateways import Gateways, Provider
from integrations.gateways.client import ProviderClient
from integrations.gateways.razorpay.gateway import RazorpayGateway
from integrations.gateways.registry import BASE_URLS, GatewayRegistry
from integrations.gateways.sandbox.gateway import SandboxGateway
from integrations.gateways.stripe.gateway import StripeGateway
from tests.integrations.gateways.shapes import CANARY, account_of


@pytest.mark.parametrize(
    ("provider", "adapter"),
    [
        (Provider.STRIPE, StripeGateway),
        (Provider.RAZORPAY, RazorpayGateway),
        (Provider.SANDBOX, SandboxGateway),
    ],
)
async def test_each_provider_has_an_adapter(provider: Provider, adapter: type) -> None:
    async with httpx2.AsyncClient() as sandbox:
        gateways: Gateways = GatewayRegistry(ProviderClient(), sandbox=sandbox)

        assert isinstance(gateways.gateway_of(account_of(provider)), adapter)


def test_a_process_without_a_sandbox_says_so() -> None:
    with pytest.raises(Rejected, match="no sandbox gateway here"):
        GatewayRegistry(ProviderClient()).gateway_of(account_of(Provider.SANDBOX))


@pytest.mark.parametrize("provider", Provider)
def test_an_account_shows_no_secret(provider: Provider) -> None:
    assert CANARY not in repr(account_of(provider))


def test_providers_are_asked_over_tls_only() -> None:
    assert all(url.startswith("https://") for url in BASE_URLS.values())
