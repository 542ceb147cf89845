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

BEGINNING_BYTES: Final = 1_000
BEGINNING_SECONDS: Final = 2.0
"""For which the text of an answer is waited for besides; what became of it is known before."""

MOST_CONNECTIONS: Final = 200

USER_AGENT: Final = "Fluxrate-Webhooks/1"


class WebhookSender:
    """A client that follows no redirect, keeps no cookie and reads no more than the beginning."""

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
                response = await self._post(url, body, headers)
        except TimeoutError:
            return Answer(error=f"No answer within {self._within_seconds:g} seconds.")
        except (Refused, InvalidInput) as error:
            return Answer(error=f"Refused: {error}")
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            return Answer(error=f"{type(error).__name__}: {error}"[:500])
        status = response.status_code
        return Answer(
            response_code=status,
            error=None if response.is_success else _reason(status),
            beginning=await _read_beginning(response),
        )

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> httpx2.Response:
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
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        """No connection is open any more."""
        await self._transport.aclose()


async def _read_beginning(response: httpx2.Response) -> str | None:
    """The first of what the receiver has to say; the rest is not read: it may be endless.

    What became of the delivery is known by then, so nothing that happens here changes it.
    """
    read = b""
    try:
        async with asyncio.timeout(BEGINNING_SECONDS):
            async for part in response.aiter_raw():
                read += part
                if len(read) >= BEGINNING_BYTES:
                    break
    except (TimeoutError, httpx2.HTTPError, OSError):
        pass
    finally:
        await response.aclose()
    # A null character is none that a database takes.
    return read[:BEGINNING_BYTES].decode("utf-8", "replace").replace("\0", "\ufffd") or None


def _reason(status: int) -> str:
    if 300 <= status < 400:
        return f"The receiver answered {status}; redirects are not followed."
    return f"The receiver answered {status}."
