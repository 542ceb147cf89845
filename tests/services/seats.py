"""Seats that are attached to a subscription, and what its bills say of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from billing.money import plain_text
from billing.rating.terms import ChargeType
from models.invoicing.invoices import Invoice
from repositories.invoicing import invoices
from repositories.operations import document_checks
from services.lifecycle import add_ons
from services.lifecycle.add_ons import AddOnReading, NewAddOn
from tests.services.invoicing.bills import (
    require_proven,
)
from tests.services.lives import Life
from tests.services.shop import NOW


def seats(quantity: str = "3", price: str = "31", **given: Any) -> NewAddOn:
    """So many seats at 31 a month, which is 1 a day of January."""
    terms = {"type": ChargeType.FIXED, "display_name": "Seats"} | given
    return NewAddOn(unit_price=Decimal(price), quantity=Decimal(quantity), **terms)


def attach(life: Life, quantity: str = "3", **given: Any) -> AddOnReading:
    return life.do(add_ons.attach_add_on, seats(quantity, **given), now=NOW)


def change(life: Life, add_on: AddOnReading, quantity: str) -> AddOnReading:
    return life.do(add_ons.change_quantity, add_on.row.id, Decimal(quantity), now=NOW)


def end(life: Life, add_on: AddOnReading) -> None:
    life.do(add_ons.end_add_on, add_on.row.id, now=NOW)


def lines(life: Life, invoice: Invoice) -> list[tuple[str, str, str]]:
    """Type, quantity and amount of each line that is no usage."""
    shop = life.shop
    with shop.transactions.for_organization(shop.organization_id) as session:
        rows = invoices.list_lines(session, shop.organization_id, [invoice.id])
    return [
        (one.type, plain_text(one.quantity), plain_text(one.line_total))
        for one in rows
        if one.type != "usage"
    ]


def require_sound(life: Life) -> None:
    """Every bill comes out again, and the hourly check has nothing to say of its amounts."""
    require_proven(life)
    shop = life.shop
    with shop.transactions.for_organization(shop.organization_id) as session:
        asked = {"organization_id": shop.organization_id}
        assert session.execute(document_checks.CHANGED_AMOUNTS, asked).all() == []
