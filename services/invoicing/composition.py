"""What a bill consists of: lines, late lines, coupons, commitments, credit, taxes, the account.

The one composition, for previews, drafts, finalization, bills of late usage and plan changes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.commitments.true_ups import TermBill
from billing.credits.bills import AvailableCredit
from billing.discounts.coupons import Redemption
from billing.discounts.discounting import AvailableCoupons
from billing.invoicing.corrections import PeriodCorrection
from billing.invoicing.invoices import InvoiceTotals, assemble_invoice
from billing.invoicing.taxes import TaxRate
from billing.money import ZERO, find_currency
from billing.rating.lines import PricedLine
from models.customers import Customer
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories import customers as stored_customers
from repositories.catalog import tax_rates as stored_tax_rates
from repositories.credits import standings as stored_standings
from repositories.credits.wallets import WalletKey
from repositories.invoicing import late_usage as stored_late_usage
from services.corrections.late_usage import LateLines, late_lines, taken_back_lines
from services.discounts.uses import find_coupons
from services.invoicing.commitments.asked import Ending, TermsAsked
from services.invoicing.commitments.open_terms import find_terms
from services.invoicing.prepaid.available import Totaling, find_credits
from services.rating.steps import Rated
from services.required import require_customer


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """The money side of a bill, what it corrects of earlier periods, and whose terms ended."""

    totals: InvoiceTotals
    corrections: tuple[PeriodCorrection, ...] = ()
    ended: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Composing:
    """A period's bill that is to be composed.

    ``draft`` is the draft that is written anew. An ``own_period`` that was billed before, as it ran
    or by a bill that is void, is billed whole: what other documents still say of it is taken back.
    A period that runs ends as ``ending`` supposes. ``at`` is when it is or would be final.
    """

    subscription: Subscription
    rated: Rated
    at: datetime
    currency: str
    own_period: SubscriptionPeriod | None = None
    draft: Invoice | None = None
    ending: Ending = Ending.STORED

    @property
    def customer(self) -> tuple[UUID, UUID]:
        """Who is billed, named with the organization."""
        customer_id = self.draft.customer_id if self.draft else self.subscription.customer_id
        return self.subscription.organization_id, customer_id


def compose_bills(
    session: Session,
    composing: Sequence[Composing],
    *,
    wallets: Collection[WalletKey] | None = None,
) -> list[Bill]:
    """The bills: priced lines, what changed before, coupons, prepaid credit, tax and account.

    Bills that become final take the credit that is left: whoever makes several of one customer
    final posts each before it composes the next, and holds the customer's account and the
    ``wallets``, which alone are drawn from then. Nothing is stored.
    Source: CONTRACT 26, 48, 54, 81, 83, 85, 94, CREDITS 12, 22.
    """
    bills = [(one.subscription, one.draft) for one in composing]
    late = late_lines(session, bills, is_final=wallets is not None)
    customers = stored_customers.list_by_key(session, {one.customer for one in composing})
    asked = []
    for one, found in zip(composing, late, strict=True):
        lines: tuple[PricedLine, ...] = one.rated.lines
        if one.own_period is not None and _was_billed(one.own_period):
            taken_back = taken_back_lines(session, one.subscription, one.own_period, lines)
            lines = (*lines, *taken_back)
        customer = require_customer(customers.get(one.customer), may_be_deleted=True)
        asked.append(
            Totaling(
                customer=customer,
                lines=(*lines, *found.lines),
                currency=one.currency,
                at=one.at,
                rated=one.rated,
                terms=_terms_of(session, one, found),
            )
        )
    totals = total_bills(session, asked, wallets=wallets)
    return [
        Bill(totals=one, corrections=found.corrections, ended=found.ended)
        for one, found in zip(totals, late, strict=True)
    ]


def _was_billed(stored: SubscriptionPeriod) -> bool:
    return stored.revision > 1 or stored.threshold_steps > 0


def total_bills(
    session: Session,
    asked: Sequence[Totaling],
    *,
    wallets: Collection[WalletKey] | None = None,
) -> list[InvoiceTotals]:
    """The lines less coupons, what prepaid credit pays of them, taxes, and what the account pays.

    ``wallets`` as for :func:`compose_bills`.
    """
    standings = stored_standings.find_standings(session, {one.account for one in asked})
    paying = {
        key
        for one in asked
        for key in one.wallets
        if key[2] in standings[one.account].units and (wallets is None or key in wallets)
    }
    rates = _rates_of(session, asked)
    spendable = find_credits(session, asked, paying, rates)
    having = {key[:2] for key, one in standings.items() if one.has_coupon}
    coupons = find_coupons(session, having, is_final=wallets is not None)
    return [
        _assemble(
            one,
            rates=rates[one.customer.organization_id],
            available_credit=standings[one.account].balance,
            credit=credit,
            coupons=_coupons_of(one, coupons.get(one.account[:2], ())),
        )
        for one, credit in zip(asked, spendable, strict=True)
    ]


def total_prices(session: Session, asked: Sequence[Totaling]) -> list[InvoiceTotals]:
    """What the lines come to less coupons and with taxes, whatever credit there is to pay of it."""
    standings = stored_standings.find_standings(session, {one.account for one in asked})
    having = {key[:2] for key, one in standings.items() if one.has_coupon}
    coupons = find_coupons(session, having, is_final=False)
    rates = _rates_of(session, asked)
    return [
        _assemble(
            one,
            rates=rates[one.customer.organization_id],
            coupons=_coupons_of(one, coupons.get(one.account[:2], ())),
        )
        for one in asked
    ]


def total_manual(session: Session, written: Totaling) -> InvoiceTotals:
    """What people wrote, with taxes and totals; credit comes in when it is finalized."""
    rates = stored_tax_rates.list_rates_in_force(session, written.customer.organization_id)
    return _assemble(written, rates=rates)


def _terms_of(session: Session, one: Composing, found: LateLines) -> tuple[TermBill, ...]:
    """The terms of commitments that the bill settles, and those that it corrects."""
    corrected = {correction.period_index for correction in found.corrections}
    asked = TermsAsked(
        subscription=one.subscription,
        own=one.own_period,
        rated=one.rated,
        corrected=frozenset(corrected.union(found.ended)),
        draft_id=None if one.draft is None else one.draft.id,
        ending=one.ending,
    )
    return find_terms(session, asked)


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


def _rates_of(session: Session, asked: Sequence[Totaling]) -> dict[UUID, Sequence[TaxRate]]:
    """The tax rates of each organization."""
    return {
        organization_id: stored_tax_rates.list_rates_in_force(session, organization_id)
        for organization_id in sorted({one.customer.organization_id for one in asked})
    }


def _assemble(
    asked: Totaling,
    *,
    rates: Sequence[TaxRate],
    available_credit: Decimal = ZERO,
    credit: AvailableCredit | None = None,
    coupons: AvailableCoupons | None = None,
) -> InvoiceTotals:
    return assemble_invoice(
        asked.lines,
        rates,
        asked.address,
        find_currency(asked.currency),
        available_credit=available_credit,
        credit=credit,
        coupons=coupons,
        terms=asked.terms,
    )


def _coupons_of(asked: Totaling, redemptions: Sequence[Redemption]) -> AvailableCoupons | None:
    """What the bill of a period may use that is over; coupons are for no other."""
    if asked.rated is None or asked.rated.frozen.is_so_far or not redemptions:
        return None
    return AvailableCoupons(redemptions=tuple(redemptions), plan_id=asked.rated.terms.plan_id)
