"""Where webhooks and mails may go: what a receiver must be, before and after it is resolved."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

from billing.errors import InvalidInput

LONGEST: Final = 500
STANDARD_PORTS: Final = {"https": 443, "http": 80}
FIRST_FREE_PORT: Final = 1024
"""Below that only the standard port of https is taken: others belong to other protocols."""

FOR_DEVELOPMENT: Final = (
    "To try it with a receiver on your own machine, start Fluxrate with "
    "FLUXRATE_ALLOW_PRIVATE_WEBHOOKS=true."
)
"""What a developer does about an address that production refuses."""

MAIL_PORTS: Final = frozenset({25, 465, 587})
"""Those below ``FIRST_FREE_PORT`` that take mail."""

_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_TRANSLATED: Final = tuple(
    # IPv6 networks whose addresses stand for one of IPv4, and where in them it is.
    (IPv6Network(network), shift)
    for network, shift in (("::/96", 0), ("64:ff9b::/96", 0), ("2002::/16", 80))
)

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """The parts of an address that a connection needs. ``host`` is a name, or an IP address."""

    scheme: str
    host: str
    port: int

    @property
    def address(self) -> Address | None:
        """The host if it is an IP address."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None


def read_receiver(url: str, *, may_be_private: bool) -> Receiver:
    """The receiver at an address, which is https on a port of its own and of this world.

    ``may_be_private`` lets private addresses, http and every port, for development. A name is only
    read; whoever resolves it asks :func:`is_reachable` of each of its addresses.
    Raises InvalidInput ``invalid_url`` or ``private_receiver``. Source: CONTRACT 30.
    """
    receiver = _parse(url)
    if may_be_private:
        return receiver
    if receiver.scheme != "https":
        raise _invalid(f"The address must begin with https://. {FOR_DEVELOPMENT}")
    if receiver.port != STANDARD_PORTS["https"] and receiver.port < FIRST_FREE_PORT:
        raise _invalid(f"The port must be 443, or {FIRST_FREE_PORT} or above.")
    return _require_public(receiver, field="url")


def read_mail_server(host: str, port: int, *, may_be_private: bool) -> Receiver:
    """The server of this name, or with this IP address, that takes mail on this port.

    ``may_be_private`` lets private addresses and every port, for development. A name is only read;
    whoever resolves it asks :func:`is_reachable` of each of its addresses.
    Raises InvalidInput ``invalid_smtp_host``, ``invalid_smtp_port`` or ``private_receiver``.
    """
    try:
        bare = host.removeprefix("[").removesuffix("]")
        name = read_host(bare, is_bracketed=":" in bare)
    except (UnicodeError, ValueError) as error:
        raise InvalidInput(
            "smtp_host must be the name of a host, or an IP address.",
            code="invalid_smtp_host",
            field="smtp_host",
        ) from error
    receiver = Receiver(scheme="smtp", host=name, port=port)
    if may_be_private:
        return receiver
    if port not in MAIL_PORTS and port < FIRST_FREE_PORT:
        raise InvalidInput(
            f"smtp_port must be 25, 465 or 587, or {FIRST_FREE_PORT} or above.",
            code="invalid_smtp_port",
            field="smtp_port",
        )
    return _require_public(receiver, field="smtp_host")


def _require_public(receiver: Receiver, *, field: str) -> Receiver:
    """The receiver, unless it is known before it is resolved that it is a private one."""
    address = receiver.address
    if receiver.host.endswith((".localhost", ".local", ".internal")) or (
        not is_reachable(address) if address is not None else "." not in receiver.host
    ):
        raise InvalidInput(
            "The address is not one of the public internet.", code="private_receiver", field=field
        )
    return receiver


def is_reachable(address: Address) -> bool:
    """Whether an address is one of the public internet, and so is each that it stands for."""
    if isinstance(address, IPv6Address):
        inner = _inner(address)
        if address.scope_id is not None or address.is_site_local:
            return False
        if inner is not None:
            return is_reachable(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def _inner(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    for network, shift in _TRANSLATED:
        if address in network:
            return IPv4Address(int(address) >> shift & 0xFFFFFFFF)
    return None


def _parse(url: str) -> Receiver:
    if len(url) > LONGEST or "\\" in url or not url.isprintable() or " " in url:
        raise _invalid("The address has characters that no address has, or too many.")
    try:
        parts = urlsplit(url)
        scheme, port = parts.scheme.lower(), parts.port
        host = read_host(parts.hostname or "", is_bracketed="[" in parts.netloc)
    except (UnicodeError, ValueError) as error:
        raise _invalid("This is not an address.") from error
    if scheme not in STANDARD_PORTS:
        raise _invalid("The address must begin with https://.")
    if "@" in parts.netloc or parts.fragment or port == 0:
        raise _invalid("The address must have neither a user nor a fragment.")
    return Receiver(scheme=scheme, host=host, port=port or STANDARD_PORTS[scheme])


def read_host(host: str, *, is_bracketed: bool = False) -> str:
    """The host in its one spelling. Raises ValueError for any that could be read in two ways."""
    if is_bracketed:
        return str(IPv6Address(host))
    name = host.encode("idna").decode().lower().removesuffix(".")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        # Resolvers read 2130706433, 0x7f.1 and 0177.0.0.1 as addresses; here they are none.
        return str(IPv4Address(name))
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(host)
    return name


def _invalid(detail: str) -> InvalidInput:
    return InvalidInput(detail, code="invalid_url", field="url")
