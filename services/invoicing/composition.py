"""What a bill consists of: its own lines, late lines, taxes, and the customer's credit.

The one composition, for previews, drafts, finalization, bills of late usage and plan changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.invoicing.corrections import PeriodCorrection
from billing.invoicing.invoices import InvoiceTotals, assemble_invoice
from billing.invoicing.taxes import Address, TaxRate
from billing.money import ZERO, find_currency
from billing.rating.lines import PricedLine
from models.customers import Customer
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories import customer_accounts as stored_customer_accounts
from repositories import customers as stored_customers
from repositories.catalog import tax_rates as stored_tax_rates
from repositories.invoicing import late_usage as stored_late_usage
from services.corrections.late_usage import late_lines, taken_back_lines
from services.required import require_customer


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """The money side of a bill, and what it corrects of earlier periods."""

    totals: InvoiceTotals
    corrections: tuple[PeriodCorrection, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Composing:
    """A period's bill that is to be composed.

    ``draft`` is the draft that is written anew. An ``own_period`` that was billed before is billed
    whole: what other documents still say of it is taken back.
    """

    subscription: Subscription
    lines: Sequence[PricedLine]
    currency: str
    own_period: SubscriptionPeriod | None = None
    draft: Invoice | None = None

    @property
    def customer(self) -> tuple[UUID, UUID]:
        """Who is billed, named with the organization."""
        customer_id = self.draft.customer_id if self.draft else self.subscription.customer_id
        return self.subscription.organization_id, customer_id


def compose_bills(session: Session, composing: Sequence[Composing]) -> list[Bill]:
    """The bills: priced lines, what changed of earlier periods, tax and credit.

    Bills that become final take the credit that is left: whoever makes several of one customer
    final posts each before it composes the next, and holds the customer's account. Nothing is
    stored. Source: CONTRACT 26, 48, 54, 81, 83, 85, 94.
    """
    late = late_lines(session, [(one.subscription, one.draft) for one in composing])
    customers = stored_customers.list_by_key(session, {one.customer for one in composing})
    asked = []
    for one, found in zip(composing, late, strict=True):
        lines = one.lines
        if one.own_period is not None and one.own_period.revision > 1:
            taken_back = taken_back_lines(session, one.subscription, one.own_period, lines)
            lines = (*lines, *taken_back)
        customer = require_customer(customers.get(one.customer), may_be_deleted=True)
        asked.append((customer, (*lines, *found.lines), one.currency))
    return [
        Bill(totals=totals, corrections=found.corrections)
        for totals, found in zip(_total_bills(session, asked), late, strict=True)
    ]


def total_bill(
    session: Session, customer: Customer, lines: Sequence[PricedLine], currency: str
) -> InvoiceTotals:
    """The lines with taxes, totals, and as much of the customer's credit as they come to."""
    [totals] = _total_bills(session, [(customer, lines, currency)])
    return totals


def _total_bills(
    session: Session, bills: Sequence[tuple[Customer, Sequence[PricedLine], str]]
) -> list[InvoiceTotals]:
    accounts = [(one.organization_id, one.id, currency) for one, _, currency in bills]
    balances = stored_customer_accounts.get_balances(session, set(accounts))
    rates = {
        organization_id: stored_tax_rates.list_rates_in_force(session, organization_id)
        for organization_id in sorted({one.organization_id for one, _, _ in bills})
    }
    return [
        _assemble(
            customer,
            lines,
            currency,
            rates=rates[customer.organization_id],
            available_credit=balances[account],
        )
        for (customer, lines, currency), account in zip(bills, accounts, strict=True)
    ]


def total_manual(
    session: Session, customer: Customer, lines: Sequence[PricedLine], currency: str
) -> InvoiceTotals:
    """What people wrote, with taxes and totals; credit comes in when it is finalized."""
    rates = stored_tax_rates.list_rates_in_force(session, customer.organization_id)
    return _assemble(customer, lines, currency, rates=rates)


def hold_late_lines(
    session: Session, subscription: Subscription, draft: Invoice, bill: Bill
) -> None:
    """Remember that the draft shows what changed in earlier periods, so that no other does."""
    shown = [one.period_index for one in bill.corrections if one.charges]
    stored_late_usage.hold_marks(session, subscription, shown, draft.id)


def get_customer(session: Session, organization_id: UUID, customer_id: UUID) -> Customer:
    """The customer of a bill, deleted or not."""
    return require_customer(
        stored_customers.find_customer(session, organization_id, customer_id), may_be_deleted=True
    )


def _assemble(
    customer: Customer,
    lines: Sequence[PricedLine],
    currency: str,
    *,
    rates: Sequence[TaxRate],
    available_credit: Decimal = ZERO,
) -> InvoiceTotals:
    address = Address(
        country=customer.billing_address_country, state=customer.billing_address_state
    )
    return assemble_invoice(
        lines, rates, address, find_currency(currency), available_credit=available_credit
    )
