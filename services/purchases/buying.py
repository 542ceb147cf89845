"""Selling credit: the grant, and an invoice that is final at once and that no credit pays.

Source: CREDITS 4 and 6.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.credits.grants import GrantKind, Spendable
from billing.credits.purchases import Cost, require_terms
from billing.errors import InvalidInput
from billing.invoicing.invoices import InvoiceTotals
from billing.invoicing.kinds import InvoiceKind
from billing.invoicing.own_words import SOLD_CREDIT
from billing.invoicing.plain_lines import manual_line
from billing.money import ONE, find_currency, plain_text
from billing.units import Taxation, Unit
from models.credits.grants import CreditGrant
from models.customers import Customer
from models.invoicing.invoices import Invoice
from repositories.accounts import organizations as stored_organizations
from repositories.credits import grants as stored_grants
from services.credits import grants, posting, units
from services.credits.grants import NewGrant, Sold
from services.credits.standing import GrantReading, find_customer, read_grant
from services.invoicing import composition, drafts
from services.invoicing.issuing import freeze, issue
from services.invoicing.prepaid.available import Totaling
from services.subscriptions import clocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Whether somebody pays for a grant, what, and from when on it can be spent."""

    kind: GrantKind = GrantKind.FREE
    cost: Cost | None = None
    spendable: Spendable | None = None


def create_grant(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    command: NewGrant,
    terms: Terms,
    *,
    now: datetime,
) -> GrantReading:
    """The customer has credit, given or sold.

    Raises NotFound, InvalidInput, which names the field. A repeat is told by its Idempotency-Key.
    """
    require_terms(terms.kind, terms.cost, terms.spendable)
    if terms.cost is None:
        return grants.grant_free(session, organization_id, customer_id, command, now=now)
    sold = Sold(cost=terms.cost, spendable=terms.spendable or Spendable.ON_PAYMENT)
    customer = find_customer(session, organization_id, customer_id)
    row = sell(session, customer, command, sold, now=now)
    return read_grant(session, organization_id, row.id, now=now)


def sell(
    session: Session, customer: Customer, command: NewGrant, sold: Sold, *, now: datetime
) -> CreditGrant:
    """The grant is sold by an invoice that is OPEN; it begins once that is paid, or at once.

    Raises as :func:`create_grant`, and InvalidInput ``customer_without_country`` where the credit
    is taxed as it is sold.
    """
    organization_id = customer.organization_id
    at = clocks.present_of(session, organization_id, customer.test_clock_id, now=now)
    row = grants.new_row(session, customer, command, sold, at=at, now=now)
    return sell_row(session, customer, row, at=at, now=now)


def sell_row(
    session: Session, customer: Customer, row: CreditGrant, *, at: datetime, now: datetime
) -> CreditGrant:
    """As :func:`sell`, of a grant that has its terms and is not stored yet; issued at ``at``."""
    unit = units.find_unit(session, customer.organization_id, row.unit)
    totals = _total(session, customer, row, unit, at=at)
    posting.lock_wallet(session, posting.wallet_of(row), at=at, now=now)
    invoice = _issue(session, customer, totals, at=at, now=now)
    row.invoice_id = invoice.id
    stored_grants.insert_grant(session, row)
    if row.spendable == Spendable.AT_ONCE:
        grants.begin(session, row, at=row.effective_at, now=now)
    grants.record_granted(session, row, now=now)
    return row


def _total(
    session: Session, customer: Customer, row: CreditGrant, unit: Unit, *, at: datetime
) -> InvoiceTotals:
    """One line, taxed now unless what the credit pays for will be."""
    is_taxable = unit.taxation is Taxation.AT_PURCHASE
    if is_taxable and customer.billing_address_country is None:
        raise InvalidInput(
            "The customer has no billing_address_country, so its tax is not known.",
            code="customer_without_country",
            field="customer_id",
        )
    currency = find_currency(row.cost_currency)
    words = f"{SOLD_CREDIT}{plain_text(row.amount)} {unit.code}"
    line = manual_line(words, ONE, row.cost_amount, currency)
    line = replace(line, is_taxable=is_taxable)
    return composition.total_manual(
        session, Totaling(customer=customer, lines=(line,), currency=currency.code, at=at)
    )


def _issue(
    session: Session, customer: Customer, totals: InvoiceTotals, *, at: datetime, now: datetime
) -> Invoice:
    organization = stored_organizations.get_organization(session, customer.organization_id)
    invoice = drafts.new_invoice(
        organization,
        customer.id,
        totals,
        kind=InvoiceKind.PURCHASE,
        subscription=None,
        at=at,
        now=now,
    )
    freeze(invoice, at=at)
    drafts.add_invoices(session, [(organization, invoice, totals)], now=now)
    issue(session, [(invoice, at)], now=now)
    return invoice
