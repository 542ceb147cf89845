"""A life that is billed as it runs, and what its invoices come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from billing.invoicing.invoices import InvoiceStatus
from billing.invoicing.kinds import InvoiceKind
from billing.money import plain_text
from models.invoicing.invoices import Invoice, InvoiceLine
from repositories.invoicing import invoices as stored_invoices
from services.invoicing import proofs
from services.invoicing.threshold import amounts, bills
from tests.services.invoicing.bills import use
from tests.services.invoicing.prepaid.drawn import findings
from tests.services.lives import Life, begin_life
from tests.services.shop import NOW, Shop


def begin_stepped(
    shop: Shop, threshold: str = "50", charge: Mapping[str, Any] | None = None, **options: Any
) -> Life:
    """A life whose running period is billed whenever so much is unbilled."""
    life = begin_life(shop, charge=charge, **options)
    shop.do(amounts.set_threshold, life.subscription_id, Decimal(threshold))
    return life


def begin_past_threshold(shop: Shop) -> tuple[Life, Invoice]:
    """A life of 60 on the fifth of January, and the threshold invoice of that."""
    life = begin_stepped(shop)
    use(life, (5, "60"))
    invoice = look(life)
    assert invoice is not None
    return life, invoice


def look(life: Life) -> Invoice | None:
    """Somebody looks whether the threshold is reached."""
    return life.do(bills.bill_if_reached, now=NOW)


def kinds(life: Life) -> list[tuple[str, str]]:
    """What each invoice is, first ones first, and what it comes to."""
    return [(one.kind, plain_text(one.total)) for one in life.invoices()]


def lines_of(life: Life, invoice: Invoice) -> Sequence[InvoiceLine]:
    """The lines of an invoice, in their order."""
    shop = life.shop
    with shop.transactions.for_organization(shop.organization_id) as session:
        return stored_invoices.list_lines(session, shop.organization_id, [invoice.id])


def shown(life: Life, invoice: Invoice) -> list[tuple[str, str]]:
    """What each line of an invoice is for, and what it comes to."""
    return [(one.type, plain_text(one.line_total)) for one in lines_of(life, invoice)]


def billed(life: Life) -> Decimal:
    """What all invoices that are not void bill, before taxes, credit and account."""
    return sum(
        (
            one.subtotal - one.carried_credit + one.granted_credit
            for one in life.invoices()
            if one.status != InvoiceStatus.VOID
        ),
        Decimal(0),
    )


def require_sound(life: Life) -> None:
    """No document contradicts another, and every bill comes out again from its events."""
    assert findings(life) == []
    for invoice in life.invoices():
        if invoice.kind in {InvoiceKind.PERIOD, InvoiceKind.THRESHOLD}:
            assert life.shop.do(proofs.verify, invoice.id).difference is None
