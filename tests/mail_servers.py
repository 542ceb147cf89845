"""Mail servers on this machine, of every kind there is."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from runtime.embedded.processes import choose_port


@dataclass
class MailServer:
    """Answers by its rule, and remembers what it took.

    ``recipient`` and ``message`` are its answers to the recipient and to the mail; with ``drops``
    it closes the connection in place of its answer: after ``rcpt``, ``data``, or once it has the
    mail (``taken``). With ``hangs`` it answers no recipient.
    """

    recipient: str = "250 OK"
    message: str = "250 OK"
    drops: str | None = None
    hangs: bool = False
    port: int = 0
    taken: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    tries: int = 0
    ends: threading.Event = field(default_factory=threading.Event)

    @property
    def mails(self) -> list[EmailMessage]:
        """What it took, read."""
        return [message_from_bytes(one, policy=default) for one in self.taken]

    @property
    def settings(self) -> dict[str, Any]:
        """What an organization sets to send by it."""
        return {
            "smtp_host": "127.0.0.1",
            "smtp_port": self.port,
            "smtp_use_tls": False,
            "smtp_from_email": "billing@lumenworks.test",
            "smtp_from_name": "Lumen Works Billing",
        }

    async def handle_RCPT(  # noqa: N802  (aiosmtpd's name)
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self.tries += 1
        while self.hangs and not self.ends.is_set():  # noqa: ASYNC110  (set in another thread)
            await asyncio.sleep(0.02)
        if self.drops == "rcpt":
            return self._drop(server)
        if self.recipient.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(  # noqa: N802  (aiosmtpd's name)
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        if self.drops == "data":
            return self._drop(server)
        if self.message.startswith("2"):
            assert isinstance(envelope.content, bytes)
            self.taken.append(envelope.content)
            self.recipients += envelope.rcpt_tos
            self.senders.append(envelope.mail_from or "")
        if self.drops == "taken":
            return self._drop(server)
        return self.message

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        """Everybody may, but whoever says ``wrong``."""
        assert isinstance(data, LoginPassword), mechanism
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password != b"wrong", handled=False)

    @staticmethod
    def _drop(server: SMTP) -> str:
        assert isinstance(server.transport, asyncio.Transport)
        server.transport.abort()
        return "421 gone"


@contextmanager
def serving(
    *, tls: ssl.SSLContext | None = None, offers_login: bool = True, **rule: Any
) -> Iterator[MailServer]:
    """A server that answers until the block is left; with ``tls`` it offers STARTTLS."""
    server = MailServer(**rule)
    controller = Controller(
        server,
        hostname="127.0.0.1",
        port=choose_port(),
        tls_context=tls,
        authenticator=server.authenticate,
        auth_require_tls=tls is not None or not offers_login,
        enable_SMTPUTF8=True,
        ready_timeout=10,
    )
    controller.start()
    server.port = controller.port
    try:
        yield server
    finally:
        server.ends.set()
        controller.stop()


@contextmanager
def silent_server() -> Iterator[int]:
    """A port where connections are taken and nothing is ever said."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(100)
        yield listener.getsockname()[1]


def certificate_for(name: str, directory: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for this name alone, and a client's that trusts it."""
    key = generate_private_key(SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    try:
        named: x509.GeneralName = x509.IPAddress(ip_address(name))
    except ValueError:
        named = x509.DNSName(name)
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([named]), critical=False)
        .sign(key, SHA256())
    )
    chain, secret = directory / "chain.pem", directory / "key.pem"
    chain.write_bytes(made.public_bytes(Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(chain, secret)
    return served, ssl.create_default_context(cafile=str(chain))
