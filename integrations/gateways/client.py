"""Asks a provider within bounds, and tells an answer from none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import httpx2

from billing.errors import InvalidInput, Rejected, Unavailable
from billing.payments.gateways import KEY_REFUSED, PaymentRequest, Provider, RefundRequest
from billing.payments.minor_units import to_minor
from integrations.gateways.fields import Fields, Malformed, read_fields

CONNECT_SECONDS: Final = 5.0
WITHIN_SECONDS: Final = 60.0
"""How long a provider has in all. Banks are slow: who gives up sooner only has more to look up."""

LARGEST_ANSWER: Final = 4 * 1024 * 1024

MOST_CONNECTIONS: Final = 50

USER_AGENT: Final = "Fluxrate/1"

_LATER: Final = frozenset({408, 409, 425, 429})
"""Too early, too often, or while the same is being done: the same request may succeed later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request to a provider. ``headers`` hold its secrets and are shown nowhere."""

    provider: Provider
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAnswer:
    """What a provider said: yes with what it did, or no with why not."""

    status: int
    fields: Fields

    @property
    def is_yes(self) -> bool:
        """Whether it was done."""
        return self.status < 300


_WHO_ASKS: Final = frozenset({401, 403})


def code_of_refusal(status: int) -> str | None:
    """The code of a no: whether it is to whoever asks; None if it is to what was asked."""
    return KEY_REFUSED if status in _WHO_ASKS else None


class ProviderClient:
    """Follows no redirect, keeps no cookie, reads no more than it must.

    One for a process: its connections belong to the event loop that first uses them.

    Whatever leaves open what became of a request is Unavailable: no connection, no answer in time,
    half an answer, one that cannot be read, one from 500 up.
    """

    def __init__(
        self, *, within_seconds: float = WITHIN_SECONDS, largest_answer: int = LARGEST_ANSWER
    ) -> None:
        self._within_seconds = within_seconds
        self._largest_answer = largest_answer
        # A transport and no client: cookies of one organization's answers reach no other.
        self._transport = httpx2.AsyncHTTPTransport(
            trust_env=False, limits=httpx2.Limits(max_connections=MOST_CONNECTIONS)
        )

    async def ask(self, question: Question) -> ProviderAnswer:
        """The provider's yes or no. Raises Unavailable for everything else."""
        name = question.provider.capitalize()
        try:
            async with asyncio.timeout(self._within_seconds):
                return await self._ask(question)
        except TimeoutError as error:
            raise Unavailable(f"{name} gave no answer in {self._within_seconds:g} s.") from error
        except Malformed as error:
            raise Unavailable(f"{name}'s answer cannot be read: {error}") from error
        except (httpx2.HTTPError, OSError) as error:
            # Its own words may hold an address or a header; its name says enough.
            raise Unavailable(f"{name} did not answer: {type(error).__name__}.") from error

    async def _ask(self, question: Question) -> ProviderAnswer:
        response = await self._transport.handle_async_request(
            httpx2.Request(
                question.method,
                question.url,
                headers={
                    "Accept": "application/json",
                    # What is unpacked has no bound that its length would tell.
                    "Accept-Encoding": "identity",
                    "User-Agent": USER_AGENT,
                    **question.headers,
                },
                content=question.body or None,
                extensions={"timeout": {"connect": CONNECT_SECONDS, "pool": CONNECT_SECONDS}},
            )
        )
        try:
            status = response.status_code
            if status in _LATER or not (200 <= status < 300 or 400 <= status < 500):
                raise Unavailable(f"{question.provider.capitalize()} answered {status}.")
            body = await self._read(response)
        finally:
            await response.aclose()
        return ProviderAnswer(status=status, fields=_fields_of(status, body))

    async def _read(self, response: httpx2.Response) -> bytes:
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > self._largest_answer:
                raise Malformed("It is too large.")
        return bytes(body)

    async def aclose(self) -> None:
        """No connection is open any more."""
        await self._transport.aclose()


@contextmanager
def understood(provider: Provider) -> Iterator[None]:
    """Within it, an answer that cannot be read is none: nobody knows what happened."""
    try:
        yield
    except (Malformed, InvalidInput) as error:
        raise Unavailable(f"{provider.capitalize()}'s answer cannot be read: {error}") from error


def minor_of(provider: Provider, request: PaymentRequest | RefundRequest) -> int:
    """The request's amount as the provider writes it.

    Raises: Rejected for what cannot be charged there, before anybody is asked: it is as final as
    the provider's own no.
    """
    try:
        return to_minor(provider, request.amount, request.currency)
    except InvalidInput as error:
        raise Rejected(error.detail, code=error.code, field=error.field) from error


def _fields_of(status: int, body: bytes) -> Fields:
    try:
        return read_fields(body)
    except Malformed:
        if status < 400:
            raise
        # A no is a no, whoever on the way put it into words.
        return Fields({})
