"""Temporal behind TLS: whom we trust there, and how we show who we are, on the real engine."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from temporalio.service import RPCError, RPCStatusCode

from cli.migrate import prepare_temporal
from runtime.setting_errors import InvalidSettings
from runtime.settings import Settings
from runtime.temporal import connect_by

NAME = "temporal.lumenworks.test"


class Authority:
    """Makes certificates that are trusted by its own."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        self._key = generate_private_key(SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        own = self._sign(self._name, self._key, x509.BasicConstraints(ca=True, path_length=0))
        self.file = directory / f"{name}.pem"
        self.file.write_bytes(own.public_bytes(Encoding.PEM))

    def certify(self, name: str) -> tuple[Path, Path]:
        """The files of a certificate for a host, or a client, and of its key."""
        key = generate_private_key(SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = self._sign(subject, key, x509.SubjectAlternativeName([x509.DNSName(name)]))
        chain, secret = (self._directory / f"{name}.{kind}.pem" for kind in ("chain", "key"))
        chain.write_bytes(made.public_bytes(Encoding.PEM))
        secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return chain, secret

    def _sign(
        self, subject: x509.Name, key: EllipticCurvePrivateKey, says: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .add_extension(says, critical=isinstance(says, x509.BasicConstraints))
            .sign(self._key, SHA256())
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A Temporal that is reached by TLS alone, and by nobody without a certificate."""

    address: str
    authority: Authority
    client: tuple[Path, Path]

    async def reach(self, **settings: Any) -> bool:
        """Whether a client with these settings is answered."""
        client = await connect_by(Settings(_env_file=None, **settings), self.address)
        return await client.service_client.check_health()


@pytest.fixture
async def gate(temporal_address: str, tmp_path: Path) -> AsyncIterator[Gate]:
    authority = Authority(tmp_path, "authority")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.certify(NAME))
    context.load_verify_locations(authority.file)
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["h2"])
    async with terminate(context, temporal_address) as address:
        yield Gate(address=address, authority=authority, client=authority.certify("billing"))


@asynccontextmanager
async def terminate(context: ssl.SSLContext, behind: str) -> AsyncIterator[str]:
    """Where TLS ends before the server behind, as it does at a proxy or a load balancer."""
    host, _, port = behind.rpartition(":")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(pipe(reader, inner_writer), pipe(inner_reader, writer))

    async def pipe(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while part := await source.read(1 << 16):
                target.write(part)
                await target.drain()
        target.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def test_temporal_is_reached_by_certificates_of_both_sides(gate: Gate) -> None:
    certificate, key = gate.client

    assert await gate.reach(
        temporal_tls_ca=gate.authority.file,
        temporal_tls_name=NAME,
        temporal_tls_certificate=certificate,
        temporal_tls_key=key,
    )


@pytest.mark.parametrize(
    "missing", ["temporal_tls_ca", "temporal_tls_name", "certificate", "everything", "off"]
)
async def test_whom_we_do_not_trust_or_who_does_not_trust_us_is_not_spoken_with(
    gate: Gate, missing: str
) -> None:
    certificate, key = gate.client
    settings: dict[str, Any] = {
        "temporal_tls_ca": gate.authority.file,
        "temporal_tls_name": NAME,
        "temporal_tls_certificate": certificate,
        "temporal_tls_key": key,
    }
    if missing == "certificate":
        del settings["temporal_tls_certificate"], settings["temporal_tls_key"]
    elif missing == "everything":
        settings = {}
    elif missing == "off":
        settings["temporal_tls"] = False
    else:
        del settings[missing]

    with pytest.raises(RuntimeError):
        await gate.reach(**settings)


async def test_another_authoritys_certificate_is_refused(gate: Gate, tmp_path: Path) -> None:
    certificate, key = gate.client

    with pytest.raises(RuntimeError, match=r"(?i)certificate|tls|transport"):
        await gate.reach(
            temporal_tls_ca=Authority(tmp_path, "another").file,
            temporal_tls_name=NAME,
            temporal_tls_certificate=certificate,
            temporal_tls_key=key,
        )


async def test_an_api_key_is_shown_and_travels_encrypted_only(gate: Gate) -> None:
    settings = Settings(
        _env_file=None,
        temporal_api_key="a-key-of-temporal-cloud",
        temporal_namespace="billing.acct",
    )

    client = await connect_by(settings, gate.address, lazy=True)

    assert client.api_key == "a-key-of-temporal-cloud"
    assert client.namespace == "billing.acct"
    assert client.service_client.config.tls
    assert "a-key-of-temporal-cloud" not in repr(settings)


async def test_without_any_of_it_temporal_is_reached_as_before(temporal_address: str) -> None:
    client = await connect_by(Settings(_env_file=None), temporal_address)

    assert await client.service_client.check_health()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"temporal_tls_ca": "/nowhere.pem"}, "FLUXRATE_TEMPORAL_TLS_CA"),
        ({"temporal_tls_certificate": __file__}, "FLUXRATE_TEMPORAL_TLS_KEY go together"),
        ({"temporal_tls_key": __file__}, "FLUXRATE_TEMPORAL_TLS_KEY go together"),
    ],
)
def test_what_cannot_be_shown_begins_nothing(settings: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        Settings(_env_file=None, **settings)


async def test_where_temporal_lets_nobody_make_things_it_is_said_what_to_make(
    temporal_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> bool:
        raise RPCError("not for this account", RPCStatusCode.PERMISSION_DENIED, b"")

    monkeypatch.setattr("runtime.temporal.register_namespace", refuse)

    said = await prepare_temporal(Settings(_env_file=None), temporal_address)

    assert "default is there" in said
    assert "BillingOrg (Keyword)" in said
