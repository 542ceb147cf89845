"""Which adapter speaks for a connection. The one place that knows them all."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, assert_never

import httpx2

from billing.errors import Rejected
from billing.payments.gateways import Gateway, GatewayAccount, Provider
from billing.payments.provider_secrets import SANDBOX_FIELD
from integrations.gateways.client import ProviderClient
from integrations.gateways.razorpay import api as razorpay
from integrations.gateways.razorpay.gateway import RazorpayGateway
from integrations.gateways.sandbox.gateway import SandboxAccount, SandboxGateway
from integrations.gateways.stripe import api as stripe
from integrations.gateways.stripe.gateway import StripeGateway

BASE_URLS: Final[Mapping[Provider, str]] = MappingProxyType(
    {Provider.STRIPE: stripe.BASE_URL, Provider.RAZORPAY: razorpay.BASE_URL}
)


class GatewayRegistry:
    """The gateways of all connections of a process. They share one client, and keep no secret.

    ``sandbox`` reaches the built-in gateway; ``base_urls`` say where the others are, for tests.
    """

    def __init__(
        self,
        client: ProviderClient,
        *,
        sandbox: httpx2.AsyncClient | None = None,
        base_urls: Mapping[Provider, str] = BASE_URLS,
    ) -> None:
        self._client = client
        self._sandbox = sandbox
        self._base_urls = {**BASE_URLS, **base_urls}

    def gateway_of(self, account: GatewayAccount) -> Gateway:
        """Who speaks for the account. Raises Rejected where there is no sandbox."""
        match account.provider:
            case Provider.STRIPE:
                return self._stripe(account.secrets)
            case Provider.RAZORPAY:
                return self._razorpay(account.secrets)
            case Provider.SANDBOX:
                return self._built_in(account)
            case _:
                assert_never(account.provider)

    def _stripe(self, secrets: Mapping[str, str]) -> Gateway:
        return StripeGateway(
            stripe.StripeApi(
                self._client,
                base_url=self._base_urls[Provider.STRIPE],
                secret_key=secrets["secret_key"],
            ),
            webhook_secret=secrets["webhook_secret"],
        )

    def _razorpay(self, secrets: Mapping[str, str]) -> Gateway:
        return RazorpayGateway(
            razorpay.RazorpayApi(
                self._client,
                base_url=self._base_urls[Provider.RAZORPAY],
                key_id=secrets["key_id"],
                key_secret=secrets["key_secret"],
            ),
            webhook_secret=secrets["webhook_secret"],
        )

    def _built_in(self, account: GatewayAccount) -> Gateway:
        if self._sandbox is None:
            raise Rejected("There is no sandbox gateway here.")
        return SandboxGateway(
            self._sandbox,
            SandboxAccount(
                id=account.connection_id,
                secret=account.secrets[SANDBOX_FIELD],
                webhook_url=account.webhook_url,
            ),
        )

    async def aclose(self) -> None:
        """No connection to a provider is open any more. The sandbox's is whose it was."""
        await self._client.aclose()
