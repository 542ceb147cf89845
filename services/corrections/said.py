"""What all documents say of a period, also where people rewrote its draft, and what is forgiven.

Lines that people wrote name no charges: they stand for what was measured when the draft was made.
Such a period is corrected, and forgiven, as one. Source: CONTRACT 72, 82, 85.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import groupby

from sqlmodel import Session

from billing.identifiers import ChargeId
from billing.invoicing.corrections import BilledCharge, BilledPeriod, Forgiven, forgive
from billing.invoicing.invoices import round_line
from billing.money import ZERO, Currency, exactly, find_currency
from billing.rating.lines import CorrectedCharge, PricedLine
from models.invoicing.invoices import Invoice
from models.invoicing.late_usage import ForgivenCharge
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.invoicing import corrections as stored_corrections
from repositories.invoicing import forgiven as stored_forgiven
from repositories.invoicing import invoices as stored_invoices
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.rating import steps
from services.rating.steps import BillKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What all documents say of the charges of a period, and of it as one if that is told apart."""

    charges: Sequence[BilledCharge]
    as_one: BilledPeriod | None = None

    @exactly
    def and_bill(self, more: Mapping[ChargeId, Decimal]) -> Said:
        """The same once a document bills ``more`` of its charges."""
        charges = add_to(self.charges, more)
        if self.as_one is None:
            return Said(charges=charges)
        billed = self.as_one.billed + sum(more.values(), ZERO)
        return Said(charges=charges, as_one=replace(self.as_one, billed=billed))


def say_of(
    session: Session,
    subscription: Subscription,
    stored: SubscriptionPeriod,
    invoice: Invoice | None,
) -> Said:
    """What is billed of a period; ``invoice`` is its own one, if people may have rewritten it."""
    charges = stored_corrections.list_said(session, subscription, stored.index)
    rows = [
        row
        for row in stored_forgiven.list_forgiven(session, subscription, stored.index)
        if row.charge_id is None
    ]
    if invoice is not None and invoice.is_edited:
        return _say_of_rewritten(session, stored, invoice, charges, rows)
    if not rows:
        return Said(charges=charges)
    billed = _sum(one.billed for one in charges)
    return Said(charges=charges, as_one=BilledPeriod(billed=billed, forgiven=_forgiven(rows)))


@exactly
def _say_of_rewritten(
    session: Session,
    stored: SubscriptionPeriod,
    invoice: Invoice,
    charges: Sequence[BilledCharge],
    rows: Sequence[ForgivenCharge],
) -> Said:
    """What people wrote replaced what had been measured by then, less what was forgiven by then."""
    drafted = steps.load(session, BillKey.of(stored), steps.EVIDENCE, tuple[PricedLine, ...])
    measured = totals_of(drafted, find_currency(invoice.currency))
    replaced = measured | {
        one.charge_id: forgive(measured.get(one.charge_id, ZERO), one.forgiven) for one in charges
    }
    earlier = _forgiven(row for row in rows if row.rewritten_id != invoice.id)
    in_place_of = forgive(_sum(replaced.values()), earlier)
    written = max(ZERO, stored_corrections.sum_written(session, invoice))
    return Said(
        charges=add_to(charges, replaced),
        as_one=BilledPeriod(
            billed=in_place_of + _sum(one.billed for one in charges),
            at_least=in_place_of - written + _sum(one.given_back for one in charges),
            forgiven=_forgiven(rows),
        ),
    )


def forgive_said(session: Session, subscription: Subscription, invoice: Invoice) -> None:
    """What a voided invoice said of earlier periods is owed, or given back, by nobody again."""
    changes = stored_corrections.list_said_of_others(session, subscription, invoice.id)
    for period_index, of_period in groupby(changes, key=lambda change: change.period_index):
        stored = stored_subscriptions.find_period(
            session, subscription.organization_id, subscription.id, period_index
        )
        assert stored is not None
        own = find_invoice_of(session, stored)
        said = say_of(session, subscription, stored, own)
        for charge_id, billed, amount in _forgiven_of(said, list(of_period)):
            stored_forgiven.insert_forgiven(
                session,
                subscription,
                invoice.id,
                period_index,
                charge_id=charge_id,
                billed=billed,
                amount=amount,
                rewritten_id=own.id if own is not None and own.is_edited else None,
            )
    session.flush()


def _forgiven_of(
    said: Said, changes: Sequence[CorrectedCharge]
) -> list[tuple[ChargeId | None, Decimal, Decimal]]:
    """Charge, what stands billed of it, and how much more was said; None is the period as one."""
    if said.as_one is not None:
        amount = _sum(change.amount for change in changes)
        return [(None, said.as_one.billed, amount)] if amount != ZERO else []
    billed = {one.charge_id: one.billed for one in said.charges}
    return [(one.charge_id, billed.get(one.charge_id, ZERO), one.amount) for one in changes]


def find_invoice_of(session: Session, stored: SubscriptionPeriod) -> Invoice | None:
    """The one invoice of a period that is not void, or None."""
    return stored_invoices.find_period_invoice(
        session, stored.organization_id, stored.subscription_id, stored.index
    )


@exactly
def totals_of(lines: Iterable[PricedLine], currency: Currency) -> dict[ChargeId, Decimal]:
    """What lines bill of each charge, as sums of rounded lines."""
    totals: dict[ChargeId, Decimal] = {}
    for line in lines:
        if line.charge_id is not None:
            rounded = round_line(line, currency).line_total
            totals[line.charge_id] = totals.get(line.charge_id, ZERO) + rounded
    return totals


@exactly
def add_to(charges: Iterable[BilledCharge], more: Mapping[ChargeId, Decimal]) -> list[BilledCharge]:
    """The same charges, of which documents say so much ``more``."""
    known = {one.charge_id: one for one in charges}
    for charge_id, amount in more.items():
        one = known.get(charge_id) or BilledCharge(charge_id=charge_id, billed=ZERO)
        known[charge_id] = replace(one, billed=one.billed + amount)
    return list(known.values())


def _forgiven(rows: Iterable[ForgivenCharge]) -> tuple[Forgiven, ...]:
    return tuple(Forgiven(billed=row.billed, amount=row.amount) for row in rows)


@exactly
def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
