"""The page as text: from a link and what was tried on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from babel.numbers import format_currency
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Row
from starlette.requests import Request
from starlette.responses import Response

from billing.payments.gateways import GatewayStatus
from integrations.gateways.sandbox.ledger.tables import Outcome
from integrations.gateways.sandbox.wire import PaymentTold, amount_of

FOLDER: Final = Path(__file__).parent
STYLE: Final = (FOLDER / "static" / "pay.css").read_bytes()
STYLE_ADDRESS: Final = f"/sandbox/assets/{sha256(STYLE).hexdigest()[:16]}/pay.css"

TEMPLATES: Final = Environment(
    loader=FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    # Of the page itself its form says where it comes from: its own site, and nobody else, asks.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}

BUTTONS: Final = (
    (Outcome.SUCCESS, "Pay", "It succeeds."),
    (Outcome.FAILURE, "Decline", "Insufficient funds: trying again may help."),
    (Outcome.DECLINED_FOR_GOOD, "Decline for good", "A stolen card: trying again is of no use."),
    (Outcome.PENDING, "Leave pending", "It succeeds a few seconds later."),
    (Outcome.UNKNOWN, "Lose the answer", "It succeeds, and nobody who asked is told."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What the page says of the link."""

    style: str
    title: str
    about: str


def render(link: Row[Any], tried: Sequence[PaymentTold], *, is_payable: bool) -> Response:
    """The page of a link."""
    amount = amount_of(link.amount_minor, link.currency)
    return page(
        "link.html",
        number=link.invoice_number,
        amount=format_currency(amount, link.currency, locale="en_US"),
        notice=_notice(link, tried),
        buttons=BUTTONS if is_payable else (),
        path=link.token,
        return_url=link.return_url,
    )


def render_refusal(status: int, title: str, about: str) -> Response:
    """A page that says no."""
    return page("refusal.html", status=status, title=title, about=about)


def page(template: str, *, status: int = 200, **values: object) -> Response:
    """A page that loads nothing but its style sheet."""
    text = TEMPLATES.get_template(template).render(style=STYLE_ADDRESS, **values)
    return Response(text, status_code=status, media_type="text/html", headers=HEADERS)


def show_style(_request: Request) -> Response:
    """The style sheet, under an address that changes with it."""
    return Response(
        STYLE,
        media_type="text/css",
        headers={
            "Cache-Control": "public, max-age=31536000, immutable",
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _notice(link: Row[Any], tried: Sequence[PaymentTold]) -> Notice | None:
    statuses = {one.status for one in tried}
    if GatewayStatus.SUCCEEDED in statuses:
        return Notice(style="good", title="Paid", about="Thank you. Nothing more is to be done.")
    if GatewayStatus.PENDING in statuses:
        return Notice(style="", title="Pending", about="The payment is being worked on.")
    if link.expired_at is not None:
        return Notice(style="", title="Expired", about="Nothing can be paid here any more.")
    if tried:
        return Notice(style="bad", title="Declined", about=tried[-1].error or "")
    return None
