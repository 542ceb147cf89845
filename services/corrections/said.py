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
from billing.invoicing.kinds import InvoiceKind
from billing.money import ZERO, exactly
from billing.rating.lines import CorrectedCharge, PricedLine
from billing.subscriptions import PeriodStatus
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
    def and_bill(self, lines: Sequence[PricedLine]) -> Said:
        """The same once a document bills these lines of its charges."""
        charges = add_to(self.charges, lines)
        if self.as_one is None:
            return Said(charges=charges)
        more = totals_of(one for one in lines if one.priced_in is None)
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
    billed = _sum(one.billed for one in charges if one.unit is None)
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
    in_money = [one for one in charges if one.unit is None]
    measured = totals_of(one for one in drafted if one.priced_in is None)
    replaced = measured | {
        one.charge_id: forgive(measured.get(one.charge_id, ZERO), one.forgiven) for one in in_money
    }
    earlier = _forgiven(row for row in rows if row.rewritten_id != invoice.id)
    in_place_of = forgive(_sum(replaced.values()), earlier)
    written = max(ZERO, stored_corrections.sum_written(session, invoice))
    # What people wrote is money: what was measured in own units counts as billed as it was.
    in_units = [one for one in drafted if one.priced_in is not None]
    return Said(
        charges=add_to(_add(charges, replaced), in_units),
        as_one=BilledPeriod(
            billed=in_place_of + _sum(one.billed for one in in_money),
            at_least=in_place_of - written + _sum(one.given_back for one in in_money),
            forgiven=_forgiven(rows),
        ),
    )


def forgive_said(session: Session, subscription: Subscription, invoice: Invoice) -> None:
    """What a voided invoice said of earlier periods is owed, or given back, by nobody again.

    So is what one billed of its own as that ran, if its last bill is final; until then that bill,
    or the next step, takes it up.
    """
    changes = stored_corrections.list_said_of_others(session, subscription, invoice.id)
    if _is_part_of_final(session, subscription, invoice):
        changes += stored_forgiven.list_said_of_own(session, subscription, invoice)
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


def _is_part_of_final(session: Session, subscription: Subscription, invoice: Invoice) -> bool:
    """Whether the invoice billed a period as it ran of which the last bill is final."""
    if invoice.kind != InvoiceKind.THRESHOLD or invoice.period_index is None:
        return False
    stored = stored_subscriptions.find_period(
        session, subscription.organization_id, subscription.id, invoice.period_index
    )
    return stored is not None and stored.status == PeriodStatus.FINAL


def _forgiven_of(
    said: Said, changes: Sequence[CorrectedCharge]
) -> list[tuple[ChargeId | None, Decimal, Decimal]]:
    """Charge, what stands billed of it, and how much more was said; None is the period as one."""
    billed = {one.charge_id: one.billed for one in said.charges}
    in_units = {one.charge_id for one in said.charges if one.unit is not None}
    apart: list[tuple[ChargeId | None, Decimal, Decimal]] = [
        (one.charge_id, billed.get(one.charge_id, ZERO), one.amount)
        for one in changes
        if said.as_one is None or one.charge_id in in_units
    ]
    if said.as_one is None:
        return apart
    amount = _sum(one.amount for one in changes if one.charge_id not in in_units)
    return [*apart, (None, said.as_one.billed, amount)] if amount != ZERO else apart


def find_invoice_of(session: Session, stored: SubscriptionPeriod) -> Invoice | None:
    """The one invoice of a period that is not void, or None."""
    return stored_invoices.find_period_invoice(
        session, stored.organization_id, stored.subscription_id, stored.index
    )


@exactly
def totals_of(lines: Iterable[PricedLine]) -> dict[ChargeId, Decimal]:
    """What lines bill of each charge, in what it is priced in, as sums of rounded lines."""
    totals: dict[ChargeId, Decimal] = {}
    for line in lines:
        if line.charge_id is not None:
            totals[line.charge_id] = totals.get(line.charge_id, ZERO) + line.amount
    return totals


def add_to(charges: Iterable[BilledCharge], lines: Sequence[PricedLine]) -> list[BilledCharge]:
    """The same charges, of which documents say these lines more."""
    units = {one.charge_id: one.priced_in.code for one in lines if one.priced_in is not None}
    return [
        replace(one, unit=units.get(one.charge_id, one.unit))
        for one in _add(charges, totals_of(lines))
    ]


@exactly
def _add(charges: Iterable[BilledCharge], more: Mapping[ChargeId, Decimal]) -> list[BilledCharge]:
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
