"""Which pages may frame the portal: hosts, as an organization names them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from billing.errors import InvalidInput

MOST_HOSTS: Final = 20

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST: Final = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*(?::[0-9]{{1,5}})?")
_LOOPBACK: Final = re.compile(r"(?:localhost|127\.0\.0\.1)(?::[0-9]+)?")
_LONGEST_HOST: Final = 253


def read_hosts(texts: Iterable[str]) -> list[str]:
    """The hosts in their one spelling, each once, in the order of first mention.

    A name as it is in addresses, with a port if it has one; ``*.`` before it means every name
    below, and not itself. Raises InvalidInput ``invalid_embed_host``.
    """
    hosts = [_read_host(text, place) for place, text in enumerate(texts)]
    if len(hosts) > MOST_HOSTS:
        raise InvalidInput(
            f"At most {MOST_HOSTS} hosts may frame the portal.",
            code="too_many_embed_hosts",
            field="embed_hosts",
        )
    return list(dict.fromkeys(hosts))


def framing_sources(hosts: Iterable[str]) -> tuple[str, ...]:
    """The hosts as a content policy names them: over TLS, except on the browser's own machine.

    Worked example: ``app.harbor.test`` is ``https://app.harbor.test``.
    """
    return tuple(f"{'http' if _LOOPBACK.fullmatch(host) else 'https'}://{host}" for host in hosts)


def _read_host(text: str, place: int) -> str:
    host = text.strip().lower().removesuffix(".")
    name = host.partition(":")[0].removeprefix("*.")
    port = host.partition(":")[2]
    is_whole_domain = host.startswith("*.") and "." not in name
    if (
        not _HOST.fullmatch(host)
        or len(name) > _LONGEST_HOST
        or (port and not 0 < int(port) < 65_536)
        or is_whole_domain
    ):
        raise InvalidInput(
            "A host is a name such as app.example.com, *.example.com or localhost:3000,"
            " without a scheme and a path.",
            code="invalid_embed_host",
            field=f"embed_hosts.{place}",
        )
    return host
