"""Hands a mail to a server within bounds, and says what came of it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from aiosmtplib import SMTP, SMTPException, SMTPNotSupported, SMTPResponseException

from billing.errors import BillingError, InvalidInput
from billing.notifications.deliveries import Answer
from billing.notifications.mails import Envelope, MailServer
from billing.notifications.receivers import Address, read_mail_server
from integrations.addresses import Refused, Resolve, Resolver, find_addresses

WITHIN_SECONDS: Final = 30.0
"""How long a server has to be found and ready, and once more to take the mail."""

CONNECT_SECONDS: Final = 10.0

IMPLICIT_TLS_PORT: Final = 465
"""There TLS comes first; everywhere else the connection begins in the clear and asks for it."""

LONGEST_ERROR: Final = 500

Compose = Callable[[], Awaitable[bytes]]
"""Makes the mail. Called when a server is ready to take it, so that a dead one costs no work."""


class MailSender:
    """A client that connects to the very address that was looked at.

    ``trusts`` are the certificates to believe, by default those that the system does.
    """

    def __init__(
        self,
        *,
        may_be_private: bool = False,
        resolve: Resolve | None = None,
        within_seconds: float = WITHIN_SECONDS,
        trusts: ssl.SSLContext | None = None,
    ) -> None:
        self._may_be_private = may_be_private
        self._resolve = resolve or Resolver()
        self._within_seconds = within_seconds
        self._tls = trusts or ssl.create_default_context()

    async def send(self, server: MailServer, envelope: Envelope, compose: Compose) -> Answer:
        """What the server answered to the mail. Nothing that it does is an error here."""
        try:
            async with asyncio.timeout(self._within_seconds) as deadline:

                async def make() -> bytes:
                    # How long that takes is no fault of the server's.
                    deadline.reschedule(None)
                    mail = await compose()
                    now = asyncio.get_running_loop().time()
                    deadline.reschedule(now + self._within_seconds)
                    return mail

                return await self._send(server, envelope, make)
        except TimeoutError:
            return Answer(error=f"No answer within {self._within_seconds:g} seconds.")
        except Refused as error:
            return Answer(error=f"Refused: {error}")
        except BillingError as error:
            # The mail could not be made; it could not be made again either.
            return Answer(error=error.detail, is_final=True)
        except SMTPResponseException as error:
            return _answered(error.code, error.message)
        except SMTPNotSupported as error:
            return Answer(error=_short(f"The server cannot take it: {error}"), is_final=True)
        except (SMTPException, OSError, ValueError) as error:
            return Answer(error=_short(f"{type(error).__name__}: {error}"))

    async def _send(self, server: MailServer, envelope: Envelope, compose: Compose) -> Answer:
        try:
            receiver = read_mail_server(
                server.host, server.port, may_be_private=self._may_be_private
            )
        except InvalidInput as error:
            raise Refused(error.detail) from error
        addresses = await find_addresses(
            receiver, self._resolve, may_be_private=self._may_be_private
        )
        connected = await _connect(addresses, server.port)
        try:
            client = SMTP(
                hostname=receiver.host,
                sock=connected,
                local_hostname=_own_name(connected),
                timeout=self._within_seconds,
                use_tls=server.use_tls and server.port == IMPLICIT_TLS_PORT,
                start_tls=server.use_tls and server.port != IMPLICIT_TLS_PORT,
                tls_context=self._tls,
            )
            await client.connect()
        except BaseException:
            connected.close()
            raise
        try:
            return await self._hand_over(client, server, envelope, compose)
        finally:
            client.close()

    async def _hand_over(
        self, client: SMTP, server: MailServer, envelope: Envelope, compose: Compose
    ) -> Answer:
        if client.is_ehlo_or_helo_needed:
            await client.ehlo()
        if server.username is not None and server.password is not None:
            if not (server.use_tls or self._may_be_private):
                raise Refused("A password is not sent without TLS.")
            # A server that asks nobody takes the mail, or says itself what it wants.
            if client.supports_extension("auth"):
                await client.login(server.username, server.password)
        if envelope.is_ascii:
            await client.mail(envelope.sender)
            await client.rcpt(envelope.recipient)
        else:
            if not client.supports_extension("smtputf8"):
                raise SMTPNotSupported("the address needs SMTPUTF8.")
            await client.mail(envelope.sender, options=["SMTPUTF8"], encoding="utf-8")
            await client.rcpt(envelope.recipient, encoding="utf-8")
        taken = await client.data(await compose())
        return Answer(response_code=taken.code)


async def _connect(addresses: Sequence[Address], port: int) -> socket.socket:
    """A connection to the first of the addresses that takes one. Raises OSError, TimeoutError."""
    for address in addresses[:-1]:
        try:
            return await _connect_to(address, port)
        except OSError:
            continue
    return await _connect_to(addresses[-1], port)


async def _connect_to(address: Address, port: int) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        async with asyncio.timeout(CONNECT_SECONDS):
            await asyncio.get_running_loop().sock_connect(made, (str(address), port))
    except TimeoutError as error:
        made.close()
        raise OSError(f"No connection within {CONNECT_SECONDS:g} seconds.") from error
    except BaseException:
        made.close()
        raise
    return made


def _own_name(connected: socket.socket) -> str:
    """What this machine calls itself: the address that the server sees, nothing looked up."""
    host = str(connected.getsockname()[0])
    return f"[IPv6:{host}]" if ":" in host else f"[{host}]"


def _answered(code: int, message: str) -> Answer:
    """What a server said instead of taking the mail; 5xx is final. Source: CONTRACT section 6."""
    said = f"The server answered {code}: {' '.join(message.split())}"
    is_answer = 200 <= code <= 599
    return Answer(
        response_code=code if is_answer else None, error=_short(said), is_final=code // 100 == 5
    )


def _short(text: str) -> str:
    return text[:LONGEST_ERROR]
