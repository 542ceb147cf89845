"""What changed of a period after its invoice was final: wanted less existing, over all documents.

A mark says that a period is to be rated again. What is wanted is its usage rated now; what exists
is what all invoices, late lines and credit notes say of it. So a repeat finds nothing left to bill,
and no document gives back what another one gave back already. Source: CONTRACT 19, 48, 82 to 85.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from billing.identifiers import ChargeId
from billing.invoicing.corrections import (
    PeriodCorrection,
    correct_period,
    invoiced_before_line,
    late_usage_line,
)
from billing.invoicing.kinds import LateUsage
from billing.invoicing.own_words import CORRECTION, INVOICED_BEFORE, LATE_USAGE
from billing.money import ZERO, Currency, find_currency
from billing.rating.lines import PricedLine
from billing.subscriptions import PeriodStatus
from billing.timeline import Happening
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.accounts import organizations as stored_organizations
from repositories.catalog import plans as stored_plans
from repositories.invoicing import late_usage as stored_late_usage
from repositories.invoicing import term_progress as stored_terms
from repositories.invoicing.late_usage import MarksAsked
from repositories.subscriptions import actions as stored_actions
from repositories.subscriptions import subscriptions as stored_subscriptions
from repositories.usage.changes import has_late_arrivals
from services.corrections.said import Said, find_invoice_of, say_of, totals_of
from services.credits.units import find_unit
from services.documents.text import period_text
from services.rating import steps
from services.rating.steps import BillKey
from services.subscriptions.start import span_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LateLines:
    """The late lines of a bill, and the periods that were rated again for them, in order.

    ``ended``: the periods with which terms of commitments ended, where late usage is ignored.
    """

    lines: tuple[PricedLine, ...] = ()
    corrections: tuple[PeriodCorrection, ...] = ()
    ended: tuple[int, ...] = ()


def late_lines(
    session: Session, bills: Sequence[tuple[Subscription, Invoice | None]], *, is_final: bool
) -> list[LateLines]:
    """A line for each earlier period whose amount changed, as the next bills are to show them.

    With each comes the draft that is written, if it is: it keeps its late lines whatever the policy
    has become (CONTRACT 85). Nobody adds to marks that final bills are done with.
    """
    asked = [ask_for_marks(session, *bill) for bill in bills]
    ended = list_ended_terms(session, [one.subscription for one in asked], lock=is_final)
    list_marks = stored_late_usage.list_marked_periods
    if is_final:
        list_marks = stored_late_usage.lock_marked_periods
    return [
        replace(_late_lines(session, one.subscription, marked), ended=ended[one.subscription.id])
        for one, marked in zip(asked, list_marks(session, asked), strict=True)
    ]


def ask_for_marks(
    session: Session, subscription: Subscription, draft: Invoice | None
) -> MarksAsked:
    """The marks that a bill of a period takes up: not those that settle alone."""
    policy = _policy_of(session, subscription)
    return MarksAsked(
        subscription=subscription,
        takes_free=policy != LateUsage.CREDIT_NOTE_OR_INVOICE,
        ignores_usage=policy == LateUsage.IGNORE,
        draft_id=draft.id if draft else None,
    )


def list_ended_terms(
    session: Session, subscriptions: Sequence[Subscription], *, lock: bool
) -> dict[UUID, tuple[int, ...]]:
    """The final periods of each with which terms ended that no bill has settled yet.

    Only where late usage is ignored: else they are settled as all that is marked. A true-up is no
    usage, so it is owed under every policy. Source: CREDITS 22.
    """
    ignoring = [one for one in subscriptions if _policy_of(session, one) == LateUsage.IGNORE]
    ended = stored_terms.list_ended_terms(session, ignoring, lock=lock)
    return {one.id: tuple(ended.get(one.id, ())) for one in subscriptions}


def _policy_of(session: Session, subscription: Subscription) -> str:
    return stored_organizations.get_organization(session, subscription.organization_id).late_usage


def _late_lines(
    session: Session, subscription: Subscription, marked: Sequence[SubscriptionPeriod]
) -> LateLines:
    found = [(stored, one) for stored in marked for one in correct(session, subscription, stored)]
    lines = [describe(session, subscription, stored, one) for stored, one in found]
    return LateLines(
        lines=tuple(line for line in lines if line is not None),
        corrections=tuple(one for _, one in found),
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
            unit = correction.priced_in or currency
            amount = f"{unit.round(correction.cut):f} {unit.code}"
            stored_actions.insert_action(
                session,
                subscription,
                Happening.CORRECTION_CUT,
                at=at,
                recorded_at=now,
                period_index=correction.period_index,
                detail=f"{amount} of period {correction.period_index} was given back already.",
            )
    periods = dict.fromkeys(one.period_index for one in corrections)
    stored_late_usage.settle_marks(session, subscription, [*periods])


def taken_back_lines(
    session: Session,
    subscription: Subscription,
    stored: SubscriptionPeriod,
    lines: Sequence[PricedLine],
) -> tuple[PricedLine, ...]:
    """What other documents say of a period that ``lines`` bill whole, as lines against it."""
    said = say_of(session, subscription, stored, None).and_bill(lines)
    against = [
        _take_back(session, subscription, stored, one)
        for one in _correct(session, stored, lines, said)
    ]
    return tuple(line for line in against if line is not None)


def _take_back(
    session: Session,
    subscription: Subscription,
    stored: SubscriptionPeriod,
    correction: PeriodCorrection,
) -> PricedLine | None:
    """As :func:`describe`; where the period was billed as it ran, that is no correction."""
    if stored.threshold_steps == 0 or correction.priced_in is not None:
        return describe(session, subscription, stored, correction)
    span = span_of(stored)
    return invoiced_before_line(
        correction,
        period=span,
        currency=_currency_of(session, stored),
        description=f"{INVOICED_BEFORE}, {period_text(span, subscription.timezone)}",
    )


def describe(
    session: Session,
    subscription: Subscription,
    stored: SubscriptionPeriod,
    correction: PeriodCorrection,
) -> PricedLine | None:
    """A correction as a line that names its period; None where nothing changes.

    It is called late usage where some arrived since the period was billed, and a correction where
    only what was known already became void or another quantity.
    """
    if not correction.charges:
        return None
    span = span_of(stored)
    unit = "" if correction.priced_in is None else f" · {correction.priced_in.code}"
    charge_ids = [change.charge_id for change in correction.charges]
    is_late = has_late_arrivals(session, subscription, stored, charge_ids)
    name = LATE_USAGE if is_late else CORRECTION
    return late_usage_line(
        correction,
        period=span,
        currency=_currency_of(session, stored),
        description=f"{name}, {period_text(span, subscription.timezone)}{unit}",
    )


def correct(
    session: Session, subscription: Subscription, stored: SubscriptionPeriod
) -> tuple[PeriodCorrection, ...]:
    """What the documents of a period are to say more or less: wanted less existing, per charge.

    The first is of all charges in money, then each that is priced in an own unit has one. A period
    whose invoice is void is owed nothing: what other documents say of it is taken back.
    """
    if stored.status != PeriodStatus.FINAL:
        said = say_of(session, subscription, stored, None)
        return _correct(session, stored, (), said)
    invoice = find_invoice_of(session, stored)
    if invoice is None:
        # Somebody took the invoice away behind our back: coverage says so, nobody bills by guess.
        return (correct_period(stored.index, {}, ()),)
    lines = _rate(session, subscription, stored, BillKey.of(stored))
    return _correct(session, stored, lines, say_of(session, subscription, stored, invoice))


def _correct(
    session: Session, stored: SubscriptionPeriod, lines: Sequence[PricedLine], said: Said
) -> tuple[PeriodCorrection, ...]:
    """What is to be said of the charges in money together, and of each in an own unit apart."""
    wanted = totals_of(lines)
    own = {one.charge_id for one in lines if one.priced_in and one.charge_id is not None}
    own |= {one.charge_id for one in said.charges if one.unit is not None}
    money = correct_period(
        stored.index,
        {charge_id: amount for charge_id, amount in wanted.items() if charge_id not in own},
        [one for one in said.charges if one.charge_id not in own],
        said.as_one,
    )
    known = {one.charge_id: one for one in said.charges}
    return money, *(
        replace(
            correct_period(
                stored.index,
                {charge_id: wanted[charge_id]} if charge_id in wanted else {},
                [known[charge_id]] if charge_id in known else [],
            ),
            **_price_of(session, stored, charge_id),
        )
        for charge_id in sorted(own)
    )


def _price_of(session: Session, stored: SubscriptionPeriod, charge_id: ChargeId) -> dict[str, Any]:
    """The unit, the rate and the meter of a charge, which never change."""
    charge = stored_plans.find_charge(session, stored.organization_id, stored.plan_id, charge_id)
    assert charge is not None
    assert charge.unit is not None
    unit = find_unit(session, stored.organization_id, charge.unit)
    return {
        "priced_in": unit,
        "overage_rate": charge.overage_rate,
        "meter_id": charge.meter_id,
    }


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
    if subscription is None or stored is None:
        return False
    if organization.late_usage == LateUsage.IGNORE and stored.status == PeriodStatus.FINAL:
        return False
    is_marked = stored_late_usage.find_mark(session, subscription, stored.index) is not None
    return is_marked and any(one.charges for one in correct(session, subscription, stored))


def _currency_of(session: Session, stored: SubscriptionPeriod) -> Currency:
    plan = stored_plans.find_plan(session, stored.organization_id, stored.plan_id)
    assert plan is not None
    return find_currency(plan.currency)


def _rate(
    session: Session, subscription: Subscription, stored: SubscriptionPeriod, bill: BillKey
) -> tuple[PricedLine, ...]:
    frozen, terms = steps.load_frozen(session, bill)
    billed = steps.Billed(subscription=subscription, stored=stored, frozen=frozen, terms=terms)
    [present] = steps.measure_again(session, [billed])
    return steps.rate(terms, present)
