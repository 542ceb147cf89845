"""Lines of an invoice are stored as they are given, to the last digit."""

from __future__ import annotations

from typing import Any

from sqlmodel import col, select

from models.base import new_id
from models.invoicing.invoices import Invoice, InvoiceLine
from repositories.invoicing.invoices import insert_lines
from tests.repositories.rows import MARCH, d, store
from tests.services.limited import add_customer
from tests.services.shop import Shop

SAID = 'quotes " and \\ backslashes,\nlines, {braces} and ü'


def _draft(shop: Shop) -> Invoice:
    nothing = d("0")
    row = Invoice(
        organization_id=shop.organization_id,
        id=new_id(),
        customer_id=add_customer(shop).id,
        kind="manual",
        status="DRAFT",
        currency="USD",
        subtotal=nothing,
        tax=nothing,
        total=nothing,
        amount_due=nothing,
        amount_paid=nothing,
        tax_status="none",
        timezone="UTC",
        issue_date=MARCH,
        due_date=MARCH,
        created_at=MARCH,
    )
    store(shop, row)
    return row


def _line(invoice: Invoice, position: int, **said: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(InvoiceLine.model_fields)
    usual: dict[str, Any] = {
        "organization_id": invoice.organization_id,
        "id": new_id(),
        "invoice_id": invoice.id,
        "position": position,
        "type": "usage",
        "description": SAID,
        "quantity": d("0E-10"),
        "line_total": d("-12.340"),
        "exact_amount": d("123456789012345678901234567890.000000000000000000010"),
        "limit_exceeded": False,
        "calculation": {"text": SAID, "number": 2**60, "nothing": None, "list": [1, "1.50"]},
    }
    return nothing | usual | said


def test_lines_are_stored_as_they_are_given(shop: Shop) -> None:
    draft = _draft(shop)
    given = [
        _line(draft, 0),
        _line(
            draft,
            1,
            charge_id=new_id(),
            usage_quantity=d("1.50"),
            limit_exceeded=True,
            period_start=MARCH,
            period_end=MARCH.replace(microsecond=123456),
        ),
    ]
    with shop.transactions.for_organization(shop.organization_id) as session:
        insert_lines(session, given)
        insert_lines(session, [])

    with shop.transactions.for_organization(shop.organization_id) as session:
        rows = session.exec(
            select(InvoiceLine)
            .where(InvoiceLine.invoice_id == draft.id)
            .order_by(col(InvoiceLine.position))
        ).all()

    assert [row.model_dump() for row in rows] == given
    assert [[str(row.quantity), str(row.line_total), str(row.exact_amount)] for row in rows] == [
        [str(one["quantity"]), str(one["line_total"]), str(one["exact_amount"])] for one in given
    ]
