"""Corrections: what documents should say of a final period, less what they say of it already.

Every document that speaks of a period counts: its invoice, late lines on other invoices, and credit
notes. So a correction that is repeated finds nothing left to correct, in whatever order events,
notes and voids came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from billing.identifiers import ChargeId, MeterId
from billing.money import ONE, ZERO, Currency, exactly
from billing.periods import Period
from billing.rating.lines import CorrectedCharge, LineType, PricedLine, step
from billing.units import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgiven:
    """A correction that nobody says any more: ``amount`` more, or less, than ``billed``.

    ``billed`` is what the other documents billed of the charge when the one that said it was
    voided for good.
    """

    billed: Decimal
    amount: Decimal

    @exactly
    def forgive(self, wanted: Decimal) -> Decimal:
        """What is owed of ``wanted``: whatever ends within the forgiven amount changes nothing."""
        edges = (self.billed, self.billed + self.amount)
        if min(edges) <= wanted <= max(edges):
            return self.billed
        is_beyond = (wanted > self.billed) == (self.amount > ZERO)
        return wanted - self.amount if is_beyond else wanted


def forgive(wanted: Decimal, forgiven: Iterable[Forgiven]) -> Decimal:
    """What is owed of ``wanted`` once everything is forgiven that was, in turn (CONTRACT 85)."""
    for one in forgiven:
        wanted = one.forgive(wanted)
    return wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledCharge:
    """What all documents say of one charge of one period, rounded as its lines are.

    Units: ``unit``, the own unit that the charge is priced in, else the currency. ``billed`` is
    what its lines come to, corrections included; ``given_back`` what people gave back of it by
    credit notes of their own; ``forgiven`` what void documents said of it for good, the first one
    first.
    """

    charge_id: ChargeId
    billed: Decimal
    given_back: Decimal = ZERO
    forgiven: tuple[Forgiven, ...] = ()
    unit: str | None = None

    @property
    @exactly
    def left(self) -> Decimal:
        """What can still be given back of it (CONTRACT 82)."""
        return max(ZERO, self.billed - self.given_back)


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledPeriod:
    """What all documents say of a period as one, where its charges alone do not tell.

    People rewrote its draft, so its lines name no charges: ``billed`` is what they replaced with
    what was said since, ``at_least`` how little of that may be owed before more is given back than
    was written. ``forgiven`` is what void documents said of the period for good meanwhile.
    """

    billed: Decimal
    at_least: Decimal | None = None
    forgiven: tuple[Forgiven, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodCorrection:
    """What is to be corrected of a period: the charges that change, and the sums behind it.

    ``forgiven`` is what void documents billed and nobody is to bill again, below zero what they
    gave back. ``cut`` is what the corrections would have given back beyond what is left of their
    charges. Units: the own unit that its one charge is ``priced_in``, else the currency: then it is
    of all charges that are priced in money, and of no ``meter_id``.
    """

    period_index: int
    charges: tuple[CorrectedCharge, ...]
    recomputed: Decimal
    billed: Decimal
    forgiven: Decimal = ZERO
    cut: Decimal = ZERO
    priced_in: Unit | None = None
    overage_rate: Decimal | None = None
    meter_id: MeterId | None = None

    @property
    @exactly
    def amount(self) -> Decimal:
        """What the period's documents are to say more, or less if it is negative."""
        return sum((one.amount for one in self.charges), ZERO)


@exactly
def correct_period(
    period_index: int,
    wanted: Mapping[ChargeId, Decimal],
    said: Iterable[BilledCharge],
    as_one: BilledPeriod | None = None,
) -> PeriodCorrection:
    """Give what the documents of a period are to say more or less of each of its charges.

    A charge is wanted what it is rated to now, but never so little that corrections and people's
    own credit notes together give back more than was billed; it is owed that, less what was
    forgiven of it. Charges that ``wanted`` does not name are rated to nothing. Where ``as_one``
    speaks of the whole period, the same holds once more of the sum. Source: CONTRACT 19, 72, 82,
    83, 85. Worked examples: 13.50 rated, 12.00 billed: 1.50 more; 0 rated, 100 billed, of which
    people gave back 80: 20 less; 100 billed, 7 more forgiven: nothing from 100 to 107 rated, 3 more
    at 110, 5 less at 95; -7 billed, 7 more forgiven: nothing at 0. Of usage of 100 people billed 5,
    so at least 95 is owed and voiding the usage gives back 5.
    """
    known = {one.charge_id: one for one in said}
    for charge_id in wanted:
        known.setdefault(charge_id, BilledCharge(charge_id=charge_id, billed=ZERO))
    owed = {
        charge_id: _owe(wanted.get(charge_id, ZERO), one.given_back, one.forgiven)
        for charge_id, one in known.items()
    }
    changes = {charge_id: owed[charge_id].amount - one.billed for charge_id, one in known.items()}
    billed = sum((one.billed for one in known.values()), ZERO)
    reasons = list(owed.values())
    if as_one is not None:
        rated = sum((one.amount for one in owed.values()), ZERO)
        whole = _owe(rated, as_one.at_least, as_one.forgiven)
        billed = as_one.billed
        changes = _share_out(changes, whole.amount - billed)
        reasons.append(whole)
    return PeriodCorrection(
        period_index=period_index,
        charges=tuple(
            CorrectedCharge(period_index=period_index, charge_id=charge_id, amount=amount)
            for charge_id, amount in changes.items()
            if amount != ZERO
        ),
        recomputed=sum(wanted.values(), ZERO),
        billed=billed,
        forgiven=sum((one.forgiven for one in reasons), ZERO),
        cut=sum((one.cut for one in reasons), ZERO),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owed:
    """What is owed, with what was cut to it and what was forgiven of it."""

    amount: Decimal
    cut: Decimal
    forgiven: Decimal


def _owe(rated: Decimal, at_least: Decimal | None, forgiven: Iterable[Forgiven]) -> _Owed:
    kept = rated if at_least is None else max(rated, at_least)
    amount = forgive(kept, forgiven)
    return _Owed(amount=amount, cut=kept - rated, forgiven=kept - amount)


@exactly
def _share_out(changes: Mapping[ChargeId, Decimal], amount: Decimal) -> dict[ChargeId, Decimal]:
    """The changes of charges that come to ``amount`` in all, with as little as can be against them.

    What gives back most gives back less first, and what is billed most is billed less first.
    """
    excess = amount - sum(changes.values(), ZERO)
    shared = dict(changes)
    for charge_id, change in sorted(changes.items(), key=lambda one: excess * one[1]):
        taken = min(abs(excess), max(ZERO, -change if excess > ZERO else change))
        taken = taken if excess > ZERO else -taken
        shared[charge_id] += taken
        excess -= taken
    if excess != ZERO:
        shared[next(iter(shared))] += excess
    return shared


@exactly
def left_of_rewritten(written: Decimal, said: Iterable[BilledCharge]) -> Decimal:
    """What all documents of a period still bill whose draft people rewrote, never below zero.

    ``written`` is what is left of their lines; corrections and notes since name charges. Source:
    CONTRACT 72, 82. Worked example: 5 written, 10 billed since, of which 10 were given back: 5.
    """
    return max(ZERO, written + sum((one.billed - one.given_back for one in said), ZERO))


@exactly
def late_usage_line(
    correction: PeriodCorrection, *, period: Period, currency: Currency, description: str
) -> PricedLine | None:
    """Give the one line that corrects a period; None if nothing of it changes.

    All amounts are sums of rounded line totals, so that bill and correction add up to what one
    late bill would have said. It may be negative. Source: CONTRACT 19, 48, 83.
    """
    if not correction.charges:
        return None
    return PricedLine(
        type=LineType.LATE_USAGE,
        currency=currency.code,
        name=description,
        description=description,
        quantity=ONE,
        exact_amount=correction.amount,
        priced_in=correction.priced_in,
        overage_rate=correction.overage_rate,
        corrected_meter_id=correction.meter_id,
        starts_at=period.starts_at,
        ends_at=period.ends_at,
        steps=(
            step(
                "late_usage",
                correction.amount,
                recomputed=correction.recomputed,
                billed=correction.billed,
                forgiven=correction.forgiven or None,
                kept_because_given_back=correction.cut or None,
            ),
        ),
        corrections=correction.charges,
    )


def invoiced_before_line(
    correction: PeriodCorrection, *, period: Period, currency: Currency, description: str
) -> PricedLine | None:
    """Give the line that takes off what earlier invoices of a period billed; None if none did.

    So the tiers of the period are never begun anew: each bill is of all of it, less what was billed
    before. Source: CREDITS 24. Worked example: of 150 invoices billed 60, so -60.
    """
    if not correction.charges:
        return None
    return PricedLine(
        type=LineType.INVOICED_BEFORE,
        currency=currency.code,
        name=description,
        description=description,
        quantity=ONE,
        exact_amount=correction.amount,
        starts_at=period.starts_at,
        ends_at=period.ends_at,
        steps=(
            step(
                "invoiced_before",
                correction.amount,
                period_so_far=correction.recomputed,
                given_back=correction.cut or None,
            ),
        ),
        corrections=correction.charges,
    )
