"""A life whose plan prices usage in tokens, and what its bills drew of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from billing.credits.grants import GrantKind, Spendable
from billing.credits.purchases import Cost
from billing.money import plain_text
from billing.units import Taxation
from models.customers import Customer
from models.invoicing.credit_notes import CreditNote
from models.invoicing.invoices import Invoice, InvoiceLine
from repositories.invoicing import credit_notes
from repositories.invoicing import invoices as stored_invoices
from services.corrections.credit_notes import CreditedLine
from services.credits import balances, grants, units
from services.credits.grants import NewGrant
from services.credits.units import CreateUnit
from services.invoicing import payment_status
from services.purchases import buying
from services.purchases.buying import Terms
from tests.services.invoicing.prepaid.drawn import JANUARY
from tests.services.lives import Life, begin_life
from tests.services.shop import Shop

TOKENS = CreateUnit(code="TOKENS", name="Tokens", scale=1, tax=Taxation.AT_PURCHASE)


def live_on_tokens(
    shop: Shop,
    *,
    rate: str | None = "0.02",
    charge: Mapping[str, Any] | None = None,
    tax: Taxation = Taxation.AT_PURCHASE,
) -> Life:
    """A subscription at two tokens a call; what no credit pays is due at ``rate`` dollars each."""
    shop.do(units.create_unit, replace(TOKENS, tax=tax))
    priced = {"unit_price": Decimal(2), **(charge or {}), "unit": "TOKENS"}
    if rate is not None:
        priced["overage_rate"] = Decimal(rate)
    return begin_life(shop, charge=priced)


def give_tokens(life: Life, amount: str, **more: Any) -> UUID:
    """The customer is given so many tokens, by default on 1 January."""
    command = NewGrant(unit="TOKENS", amount=Decimal(amount), **{"effective_at": JANUARY, **more})
    return life.shop.do(grants.grant_free, life.row().customer_id, command).row.id


def sell_tokens(life: Life, amount: str, cost: str, *, currency: str = "USD", **more: Any) -> UUID:
    """The customer buys so many tokens for so much, and may spend them before it is paid."""
    command = NewGrant(unit="TOKENS", amount=Decimal(amount), **{"effective_at": JANUARY, **more})
    terms = Terms(
        kind=GrantKind.PAID,
        cost=Cost(amount=Decimal(cost), currency=currency),
        spendable=Spendable.AT_ONCE,
    )
    customer_id = life.row().customer_id
    return life.shop.do(buying.create_grant, customer_id, command, terms).row.id


def lines(life: Life, invoice: Invoice) -> list[InvoiceLine]:
    """The lines of an invoice as they are stored."""
    shop = life.shop
    with shop.transactions.for_organization(shop.organization_id) as session:
        return list(stored_invoices.list_lines(session, shop.organization_id, [invoice.id]))


def shown(life: Life, invoice: Invoice) -> list[tuple[str, str, str]]:
    """Of each line what it comes to in tokens, what was paid of that, and the money of the rest."""
    return [
        (
            "" if row.amount_in_unit is None else plain_text(row.amount_in_unit),
            str(row.calculation.get("paid_in_unit")),
            plain_text(row.line_total),
        )
        for row in lines(life, invoice)
    ]


def moved(life: Life) -> list[tuple[str, str]]:
    """What moved the customer's tokens."""
    read = partial(balances.read_ledger, after=0, limit=1000)
    found = life.shop.read(read, life.row().customer_id, "TOKENS")
    return [(one.kind, plain_text(one.amount)) for one in found.rows]


def give_tokens_back(
    life: Life, invoice: Invoice, amount: str, *, reason: str = "Goodwill"
) -> CreditNote:
    """A note gives so many tokens of the first line back."""
    [row, *_] = lines(life, invoice)
    credited = [CreditedLine(line_id=row.id, amount=Decimal(amount))]
    return life.shop.do(partial(payment_status.credit, reason=reason), invoice.id, credited)


def notes(life: Life, invoice: Invoice) -> list[CreditNote]:
    """The credit notes on an invoice, first ones first."""
    found = life.shop.read(credit_notes.list_credit_notes, invoice.id)
    return list(found)


def in_britain(life: Life) -> Life:
    """The customer has a country, as whoever is sold anything by hand."""
    shop = life.shop
    with shop.transactions.for_organization(shop.organization_id) as session:
        customer = session.get(Customer, (shop.organization_id, life.row().customer_id))
        assert customer is not None
        customer.billing_address_country = "GB"
        session.add(customer)
    return life
