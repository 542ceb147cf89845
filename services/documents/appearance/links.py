"""Addresses that stand on documents: where a stranger checks one, and where its buyer reads it."""

from __future__ import annotations

import io
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import segno

_NOT_PUBLIC: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def verify_address(public_url: str, receipt_id: UUID) -> str | None:
    """Where anybody checks a receipt; None where the installation has no public address.

    Source: CONTRACT section 6, Proof for anybody.
    """
    return _below(public_url, f"verify/{receipt_id}")


def page_address(public_url: str, token: str) -> str | None:
    """Where whoever has the token reads an invoice; None as for :func:`verify_address`.

    Source: CONTRACT 61.
    """
    return _below(public_url, f"p/{token}")


def code_of(address: str) -> str:
    """The address as a QR code, as SVG: still read when a seventh of it is damaged (level M)."""
    picture = io.BytesIO()
    segno.make_qr(address, error="m").save(
        picture, "svg", xmldecl=False, omitsize=True, border=0, nl=False
    )
    return picture.getvalue().decode()


def _below(public_url: str, path: str) -> str | None:
    if urlsplit(public_url).hostname in _NOT_PUBLIC:
        return None
    return f"{public_url.rstrip('/')}/{path}"
