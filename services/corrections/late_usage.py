"""What changed of a period after its invoice was final: wanted less existing, over all documents.

A mark says that a period is to be rated again. What is wanted is its usage rated now; what exists
is what all invoices, late lines and credit notes say of it. So a repeat finds nothing left to bill,
and no document gives back what another one gave back already. Source: CONTRACT 19, 48, 82 to 85.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from billing.identifiers import ChargeId
from billing.invoicing.corrections import (
    BilledCharge,
    PeriodCorrection,
    correct_period,
    give_back_at_most,
    late_usage_line,
    left_of_rewritten,
)
from billing.invoicing.invoices import round_line
from billing.money import ZERO, Currency, exactly, find_currency
from billing.rating.lines import PricedLine
from billing.subscriptions import PeriodStatus
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.accounts import organizations as stored_organizations
from repositories.catalog import plans as stored_plans
from repositories.invoicing import corrections as stored_corrections
from repositories.invoicing import invoices as stored_invoices
from repositories.invoicing import late_usage as stored_late_usage
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.documents.text import period_text
from services.rating import steps
from services.rating.steps import BillKey
from services.subscriptions.late_policy import IGNORE, NEXT_INVOICE
from services.subscriptions.start import span_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LateLines:
    """The late lines of a bill, and the periods that were rated again for them, in order."""

    lines: tuple[PricedLine, ...] = ()
    corrections: tuple[PeriodCorrection, ...] = ()


def late_lines(
    session: Session, subscription: Subscription, *, draft: Invoice | None = None
) -> LateLines:
    """One line for each earlier period whose amount changed, as the next bill is to show them.

    ``draft`` is the bill that is being written: it keeps its late lines whatever the policy has
    become meanwhile (CONTRACT 85).
    """
    organization = stored_organizations.get_organization(session, subscription.organization_id)
    marked = stored_late_usage.list_marked_periods(
        session,
        subscription,
        takes_free=organization.late_usage == NEXT_INVOICE,
        draft_id=draft.id if draft else None,
    )
    corrections = [correct(session, subscription, stored) for stored in marked]
    lines = [
        describe(session, subscription, stored, correction)
        for stored, correction in zip(marked, corrections, strict=True)
    ]
    return LateLines(
        lines=tuple(line for line in lines if line is not None), corrections=tuple(corrections)
    )


def settle(
    session: Session,
    subscription: Subscription,
    corrections: Sequence[PeriodCorrection],
    currency: Currency,
    *,
    at: datetime,
    now: datetime,
) -> None:
    """Final documents say these corrections: the periods need not be looked at again.

    Where a correction was cut to what is left of its charges, the timeline says so (CONTRACT 82).
    """
    for correction in corrections:
        if correction.cut > ZERO:
            amount = f"{currency.round(correction.cut):f} {currency.code}"
            stored_subscriptions.insert_action(
                session,
                subscription,
                "correction_cut",
                at=at,
                recorded_at=now,
                period_index=correction.period_index,
                detail=f"{amount} of period {correction.period_index} was given back already.",
            )
    stored_late_usage.settle_marks(session, subscription, [one.period_index for one in corrections])


def taken_back_lines(
    session: Session,
    subscription: Subscription,
    stored: SubscriptionPeriod,
    lines: Iterable[PricedLine],
) -> tuple[PricedLine, ...]:
    """What other documents say of a period that ``lines`` bill whole, as a line against it."""
    said = stored_corrections.list_said(session, subscription, stored.index)
    wanted = _totals(lines, _currency_of(session, stored))
    correction = correct_period(stored.index, wanted, _add(said, wanted))
    line = describe(session, subscription, stored, correction)
    return () if line is None else (line,)


def describe(
    session: Session,
    subscription: Subscription,
    stored: SubscriptionPeriod,
    correction: PeriodCorrection,
) -> PricedLine | None:
    """A correction as a line that names its period; None where nothing changes."""
    if not correction.charges:
        return None
    span = span_of(stored)
    return late_usage_line(
        correction,
        period=span,
        currency=_currency_of(session, stored),
        description=f"Late usage, {period_text(span, subscription.timezone)}",
    )


def correct(
    session: Session, subscription: Subscription, stored: SubscriptionPeriod
) -> PeriodCorrection:
    """What the documents of a period are to say more or less: wanted less existing, per charge.

    A period whose invoice is void is owed nothing: what other documents say of it is taken back.
    """
    said = stored_corrections.list_said(session, subscription, stored.index)
    if stored.status != PeriodStatus.FINAL:
        return correct_period(stored.index, {}, said)
    invoice = _find_invoice(session, stored)
    if invoice is None:
        # Somebody took the invoice away behind our back: coverage says so, nobody bills by guess.
        return correct_period(stored.index, {}, ())
    wanted = _totals(
        _rate(session, subscription, stored, BillKey.of(stored)), find_currency(invoice.currency)
    )
    correction = correct_period(stored.index, wanted, _replace(session, stored, invoice, said))
    if not invoice.is_edited:
        return correction
    written = stored_corrections.sum_written(session, invoice)
    return give_back_at_most(correction, left_of_rewritten(written, said))


def forgive(session: Session, subscription: Subscription, invoice: Invoice) -> None:
    """What a voided invoice said of earlier periods is owed, or given back, by nobody again."""
    for change in stored_corrections.list_said_of_others(session, subscription, invoice.id):
        stored = stored_subscriptions.find_period(
            session, subscription.organization_id, subscription.id, change.period_index
        )
        assert stored is not None
        said = stored_corrections.list_said(session, subscription, change.period_index)
        replaced = _replace(session, stored, _find_invoice(session, stored), said)
        known = {one.charge_id: one.billed for one in replaced}
        stored_corrections.insert_forgiven(
            session, subscription, invoice.id, change, billed=known.get(change.charge_id, ZERO)
        )
    session.flush()


def mark_again(
    session: Session,
    subscription: Subscription,
    invoice: Invoice,
    *,
    settles_again: bool,
    now: datetime,
) -> None:
    """What a voided invoice said of earlier periods, and of its own, is to be said again.

    Of earlier ones nothing where that is forgiven. Its own is owed nothing either way: what others
    say of it is taken back. Source: CONTRACT 85.
    """
    indexes: set[int] = set()
    if settles_again:
        indexes.update(stored_corrections.list_corrected_periods(session, subscription, invoice.id))
    if invoice.kind == "period" and invoice.period_index is not None:
        indexes.add(invoice.period_index)
    stored_late_usage.mark_periods(session, subscription, sorted(indexes), now=now)


def is_pending(session: Session, invoice: Invoice) -> bool:
    """Whether a difference of the invoice's period waits to be said by a final document."""
    if invoice.subscription_id is None or invoice.period_index is None:
        return False
    organization = stored_organizations.get_organization(session, invoice.organization_id)
    subscription = stored_subscriptions.find_subscription(
        session, invoice.organization_id, invoice.subscription_id
    )
    stored = stored_subscriptions.find_period(
        session, invoice.organization_id, invoice.subscription_id, invoice.period_index
    )
    if subscription is None or stored is None or organization.late_usage == IGNORE:
        return False
    if stored_late_usage.find_mark(session, subscription, stored.index) is None:
        return False
    return bool(correct(session, subscription, stored).charges)


def _currency_of(session: Session, stored: SubscriptionPeriod) -> Currency:
    plan = stored_plans.find_plan(session, stored.organization_id, stored.plan_id)
    assert plan is not None
    return find_currency(plan.currency)


def _find_invoice(session: Session, stored: SubscriptionPeriod) -> Invoice | None:
    return stored_invoices.find_period_invoice(
        session, stored.organization_id, stored.subscription_id, stored.index
    )


def _replace(
    session: Session,
    stored: SubscriptionPeriod,
    invoice: Invoice | None,
    said: list[BilledCharge],
) -> list[BilledCharge]:
    """What is billed of a period; what people wrote replaced what had been measured by then."""
    if invoice is None or not invoice.is_edited:
        return said
    drafted = steps.load(session, BillKey.of(stored), steps.EVIDENCE, tuple[PricedLine, ...])
    totals = _totals(drafted, find_currency(invoice.currency))
    owed = {one.charge_id: one.forgive(totals.get(one.charge_id, ZERO)) for one in said}
    return _add(said, totals | owed)


@exactly
def _totals(lines: Iterable[PricedLine], currency: Currency) -> dict[ChargeId, Decimal]:
    totals: dict[ChargeId, Decimal] = {}
    for line in lines:
        if line.charge_id is not None:
            rounded = round_line(line, currency).line_total
            totals[line.charge_id] = totals.get(line.charge_id, ZERO) + rounded
    return totals


@exactly
def _add(said: Sequence[BilledCharge], more: dict[ChargeId, Decimal]) -> list[BilledCharge]:
    known = {one.charge_id: one for one in said}
    for charge_id, amount in more.items():
        one = known.get(charge_id) or BilledCharge(charge_id=charge_id, billed=ZERO)
        known[charge_id] = replace(one, billed=one.billed + amount)
    return list(known.values())


def _rate(
    session: Session, subscription: Subscription, stored: SubscriptionPeriod, bill: BillKey
) -> tuple[PricedLine, ...]:
    frozen, terms = steps.load_frozen(session, bill)
    present = steps.measure_again(session, subscription, stored, frozen, terms)
    return steps.rate(terms, present)
