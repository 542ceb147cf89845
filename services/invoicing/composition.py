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
from repositories import customers as stored_customers
from repositories.catalog import tax_rates as stored_tax_rates
from repositories.invoicing import late_usage as stored_late_usage
from services import customer_accounts
from services.corrections.late_usage import late_lines, taken_back_lines
from services.required import require_customer


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """The money side of a bill, and what it corrects of earlier periods."""

    totals: InvoiceTotals
    corrections: tuple[PeriodCorrection, ...] = ()


def compose_bill(
    session: Session,
    subscription: Subscription,
    lines: Sequence[PricedLine],
    currency: str,
    *,
    own_period: SubscriptionPeriod | None = None,
    draft: Invoice | None = None,
    is_final: bool = False,
) -> Bill:
    """A period's bill: its priced lines, what changed of earlier periods, tax and credit.

    ``draft`` is the draft that is written anew. An ``own_period`` that was billed before is billed
    whole: what other documents still say of it is taken back. A bill that becomes final takes its
    credit while nobody else can. Nothing is stored. Source: CONTRACT 26, 48, 54, 81, 83, 85, 94.
    """
    late = late_lines(session, subscription, draft=draft)
    if own_period is not None and own_period.revision > 1:
        lines = (*lines, *taken_back_lines(session, subscription, own_period, lines))
    customer_id = draft.customer_id if draft else subscription.customer_id
    customer = get_customer(session, subscription.organization_id, customer_id)
    totals = total_bill(session, customer, (*lines, *late.lines), currency, is_final=is_final)
    return Bill(totals=totals, corrections=late.corrections)


def total_bill(
    session: Session,
    customer: Customer,
    lines: Sequence[PricedLine],
    currency: str,
    *,
    is_final: bool = False,
) -> InvoiceTotals:
    """The lines with taxes, totals, and as much of the customer's credit as they come to."""
    available = customer_accounts.available_credit(
        session, customer.organization_id, customer.id, currency, lock=is_final
    )
    return _assemble(session, customer, lines, currency, available_credit=available)


def total_manual(
    session: Session, customer: Customer, lines: Sequence[PricedLine], currency: str
) -> InvoiceTotals:
    """What people wrote, with taxes and totals; credit comes in when it is finalized."""
    return _assemble(session, customer, lines, currency)


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
    session: Session,
    customer: Customer,
    lines: Sequence[PricedLine],
    currency: str,
    *,
    available_credit: Decimal = ZERO,
) -> InvoiceTotals:
    rates: list[TaxRate] = stored_tax_rates.list_rates_in_force(session, customer.organization_id)
    address = Address(
        country=customer.billing_address_country, state=customer.billing_address_state
    )
    return assemble_invoice(
        lines, rates, address, find_currency(currency), available_credit=available_credit
    )
