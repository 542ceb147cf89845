"""Both gateways, at a provider of this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from billing.payments.gateways import Gateway, Provider
from integrations.gateways.client import ProviderClient
from integrations.gateways.registry import GatewayRegistry
from tests.integrations.gateways.double import ProviderDouble, a_provider
from tests.integrations.gateways.shapes import account_of


@pytest.fixture
def provider() -> Iterator[ProviderDouble]:
    with a_provider() as double:
        yield double


@pytest.fixture
async def gateways(provider: ProviderDouble) -> AsyncIterator[GatewayRegistry]:
    made = GatewayRegistry(
        ProviderClient(within_seconds=5),
        base_urls={Provider.STRIPE: provider.url, Provider.RAZORPAY: provider.url},
    )
    yield made
    await made.aclose()


@pytest.fixture
def stripe(gateways: GatewayRegistry) -> Gateway:
    return gateways.gateway_of(account_of(Provider.STRIPE))


@pytest.fixture
def razorpay(gateways: GatewayRegistry) -> Gateway:
    return gateways.gateway_of(account_of(Provider.RAZORPAY))
