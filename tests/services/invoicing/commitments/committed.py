"""Customers of a plan with a commitment, and what their bills say."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text

from billing.invoicing.invoices import InvoiceStatus
from billing.invoicing.kinds import LateUsage
from billing.money import plain_text
from billing.rating.lines import LineType
from billing.rating.terms import Effective
from models.invoicing.invoices import Invoice, InvoiceLine
from repositories.invoicing import invoices
from services.catalog import commitments
from services.catalog.commitments import AddCommitment
from services.customers import CustomerDetails, UpdateCustomer, update_customer
from services.invoicing import payment_status
from tests.money.strangers import run, write_files
from tests.services.invoicing.bills import (
    invoices_of,
    mark_changed,
    require_proven,
    require_sums,
    use,
)
from tests.services.lives import Life, begin_life
from tests.services.receipts_of import receipts_of
from tests.services.shop import Shop

MARCH = datetime(2025, 3, 1, 2, tzinfo=UTC)
APRIL = datetime(2025, 4, 1, 2, tzinfo=UTC)


def commit(life: Life, amount: str = "100", **given: Any) -> UUID:
    """The life's plan has a commitment, from the running period on."""
    command = AddCommitment(amount=Decimal(amount), **given)
    add = partial(commitments.add_commitment, effective=Effective.RUNNING_PERIOD)
    return life.shop.do(add, life.row().plan_id, command).result.id


def begin(shop: Shop, amount: str = "100", **given: Any) -> Life:
    """A customer who pays a dollar a call, and at least so much a term."""
    life = begin_life(shop)
    commit(life, amount, **given)
    return life


def lines_of(life: Life, invoice: Invoice) -> list[InvoiceLine]:
    return list(life.shop.read(invoices.list_lines, [invoice.id]))


def shown(life: Life) -> list[list[str]]:
    """What the lines of each bill come to; those of commitments after a plus."""
    return [
        [
            ("+" if line.type == LineType.TRUE_UP else "") + plain_text(line.line_total)
            for line in lines_of(life, invoice)
        ]
        for invoice in invoices_of(life)
    ]


def use_in(life: Life, at: datetime, amount: str, *, late: bool = False) -> None:
    """So many calls at an instant; late ones are known to have changed a final period."""
    day = (at - datetime(2025, 1, 1, tzinfo=UTC)).days + 1
    assert day <= 31 or not late
    life.use(at, int(amount)) if day > 31 else use(life, (day, amount), late=late)
    if late:
        mark_changed(life, at)


def give_country(life: Life) -> None:
    """Bills of the customer can be written by hand."""
    details = CustomerDetails(name="Harbor", email="ap@harbor.test", billing_address_country="DE")
    command = UpdateCustomer(details=details, given=frozenset({"billing_address_country"}))
    life.shop.do(update_customer, life.row().customer_id, command)


def void(life: Life, invoice: Invoice) -> None:
    life.shop.do(
        lambda session, of, now: payment_status.change_status(
            session, of, invoice.id, InvoiceStatus.VOID, note=None, now=now
        )
    )


def settle_late_usage_by(shop: Shop, policy: LateUsage) -> None:
    """The organization settles late usage so from now on."""
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.execute(
            text("UPDATE organization SET late_usage = :policy WHERE id = :id"),
            {"id": shop.organization_id, "policy": policy},
        )


def require_agreed(life: Life, folder: Path) -> None:
    """The product, its hourly check and the stranger's script come to what was issued."""
    require_proven(life)
    require_sums(life)
    for receipt in receipts_of(life.shop):
        code, said = run(write_files(life.shop, receipt, folder))
        assert code == 0, said
