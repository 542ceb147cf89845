"""Posts a body within bounds, and says what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import httpx2

from billing.errors import InvalidInput
from billing.notifications.deliveries import Answer
from integrations.addresses import Refused, Resolve, Resolver
from integrations.webhooks.transport import PublicTransport

WITHIN_SECONDS: Final = 15.0
"""How long a receiver has in all: to be found, to connect, and to begin its answer."""

MOST_CONNECTIONS: Final = 200

USER_AGENT: Final = "Fluxrate-Webhooks/1"


class WebhookSender:
    """A client that follows no redirect, keeps no cookie and reads no more than the status."""

    def __init__(
        self,
        *,
        may_be_private: bool = False,
        resolve: Resolve | None = None,
        within_seconds: float = WITHIN_SECONDS,
    ) -> None:
        self._transport = PublicTransport(resolve or Resolver(), may_be_private=may_be_private)
        self._within_seconds = within_seconds

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """What the receiver answered. Nothing that it does is an error here."""
        try:
            async with asyncio.timeout(self._within_seconds):
                return await self._post(url, body, headers)
        except TimeoutError:
            return Answer(error=f"No answer within {self._within_seconds:g} seconds.")
        except (Refused, InvalidInput) as error:
            return Answer(error=f"Refused: {error}")
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            return Answer(error=f"{type(error).__name__}: {error}"[:500])

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        request = httpx2.Request(
            "POST",
            url,
            content=body,
            headers={
                "User-Agent": USER_AGENT,
                "Content-Type": "application/json",
                "Accept": "*/*",
                **headers,
            },
        )
        response = await self._transport.handle_async_request(request)
        # Whatever the receiver has to say besides is not read: it may be endless.
        await response.aclose()
        status = response.status_code
        return Answer(response_code=status, error=None if response.is_success else _reason(status))

    async def aclose(self) -> None:
        """No connection is open any more."""
        await self._transport.aclose()


def _reason(status: int) -> str:
    if 300 <= status < 400:
        return f"The receiver answered {status}; redirects are not followed."
    return f"The receiver answered {status}."
