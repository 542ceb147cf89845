"""Links of the sandbox gateway: pages on which one invoice can be paid."""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from billing.errors import InvalidInput, NotFound
from integrations.gateways.sandbox.ledger.books import new_reference
from integrations.gateways.sandbox.ledger.tables import link
from integrations.gateways.sandbox.wire import LinkAsked, amount_of

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)


def create_link(
    connection: Connection, account_id: UUID, asked: LinkAsked, *, now: datetime
) -> tuple[str, str]:
    """The reference of a new link, and the token of its page. Raises InvalidInput."""
    require_payable(asked)
    reference, token = new_reference("link"), secrets.token_urlsafe(24)
    connection.execute(
        insert(link).values(
            id=reference,
            account_id=account_id,
            token=token,
            organization_id=asked.organization_id,
            invoice_id=asked.invoice_id,
            invoice_number=asked.invoice_number,
            customer_id=asked.customer_id,
            amount_minor=asked.amount_minor,
            currency=asked.currency,
            return_url=asked.return_url,
            created_at=now,
        )
    )
    return reference, token


def require_payable(asked: LinkAsked) -> None:
    """The amount is one of the currency, and the page leads back to a page of the web, if to any.

    Raises InvalidInput.
    """
    require_amount(asked.amount_minor, asked.currency)
    address = asked.return_url
    if address is not None and not address.startswith(("http://", "https://")):
        raise InvalidInput("An address begins with http:// or https://.", field="return_url")


def require_amount(minor: int, currency: str) -> None:
    """The amount is one that can be paid. Raises InvalidInput."""
    if amount_of(minor, currency) <= 0:
        raise InvalidInput("An amount that cannot be paid.", field="amount_minor")


def find_link(connection: Connection, token: str, *, locks: bool = False) -> Row[Any]:
    """The link of a page, locked against another payment if asked to. Raises NotFound."""
    if not _TOKEN.fullmatch(token):
        raise _not_found()
    return _require(connection, link.c.token == token, locks=locks)


def require_link(connection: Connection, account_id: UUID, reference: str) -> Row[Any]:
    """The account's link, locked. Raises NotFound."""
    is_own = (link.c.account_id == account_id) & (link.c.id == reference)
    return _require(connection, is_own, locks=True)


def expire(connection: Connection, reference: str, *, now: datetime) -> None:
    """Nothing can be paid on the link's page any more. Idempotent."""
    connection.execute(
        update(link)
        .where(link.c.id == reference, link.c.expired_at.is_(None))
        .values(expired_at=now)
    )


def _require(connection: Connection, is_it: ColumnElement[bool], *, locks: bool) -> Row[Any]:
    statement = select(link).where(is_it)
    found = connection.execute(statement.with_for_update() if locks else statement).one_or_none()
    if found is None:
        raise _not_found()
    return found


def _not_found() -> NotFound:
    return NotFound("There is no such link.")
