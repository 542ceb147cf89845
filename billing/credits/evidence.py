"""What the draws of a bill were decided from, so that anybody can decide them again (I6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from billing.credits.drawing import (
    NOTHING_DRAWN,
    Draw,
    DrawableLine,
    Drawing,
    Lot,
    draw,
    share_costs,
)
from billing.credits.expiry import CostBasis
from billing.credits.grants import Grant, GrantKind, Place, Scope
from billing.identifiers import ChargeId, MeterId
from billing.units import Taxation, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class LotRecord:
    """A lot as it stood, in the form of a document.

    ``cost`` is there where what it pays is taxed by what that had cost.
    """

    grant_id: UUID
    sequence: int
    unit: str
    scale: int
    taxation: Taxation
    amount: Decimal
    rest: Decimal
    kind: GrantKind
    priority: int
    effective_at: datetime
    expires_at: datetime | None = None
    meter_ids: tuple[MeterId, ...] = ()
    charge_ids: tuple[ChargeId, ...] = ()
    cost: CostBasis | None = None

    @classmethod
    def of(cls, lot: Lot) -> LotRecord:
        """The lot, written down."""
        grant = lot.grant
        return cls(
            grant_id=grant.grant_id,
            sequence=grant.sequence,
            unit=grant.unit.code,
            scale=grant.unit.scale,
            taxation=grant.unit.taxation,
            amount=grant.amount,
            rest=lot.rest,
            kind=grant.kind,
            priority=grant.priority,
            effective_at=grant.effective_at,
            expires_at=grant.expires_at,
            meter_ids=tuple(sorted(grant.applies_to.meter_ids)),
            charge_ids=tuple(sorted(grant.applies_to.charge_ids)),
            cost=lot.cost,
        )

    def lot(self) -> Lot:
        """The lot as it was."""
        grant = Grant(
            grant_id=self.grant_id,
            sequence=self.sequence,
            unit=Unit(code=self.unit, scale=self.scale, taxation=self.taxation),
            amount=self.amount,
            kind=self.kind,
            effective_at=self.effective_at,
            expires_at=self.expires_at,
            priority=self.priority,
            applies_to=Scope(
                meter_ids=frozenset(self.meter_ids), charge_ids=frozenset(self.charge_ids)
            ),
        )
        return Lot(grant=grant, rest=self.rest, cost=self.cost)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawingRecord:
    """The lots, and what of each line could be paid in its own unit, before tax and after it.

    ``in_units_at_use`` is what of those in own units is left to credit that is taxed as it is used.
    """

    lots: tuple[LotRecord, ...]
    before_tax: tuple[DrawableLine, ...]
    after_tax: tuple[DrawableLine, ...]
    in_units: tuple[DrawableLine, ...] = ()
    in_units_at_use: tuple[DrawableLine, ...] = ()


def record_drawing(
    net: Drawing,
    gross: Drawing,
    in_units: Drawing = NOTHING_DRAWN,
    at_use: Drawing = NOTHING_DRAWN,
) -> DrawingRecord | None:
    """What a bill's draws were decided from; None where nothing was drawn."""
    all_of_them = (in_units, at_use, net, gross)
    if not any(one.draws for one in all_of_them):
        return None
    return DrawingRecord(
        lots=tuple(LotRecord.of(lot) for one in all_of_them for lot in one.lots),
        before_tax=net.asked,
        after_tax=gross.asked,
        in_units=in_units.asked,
        in_units_at_use=at_use.asked,
    )


def draw_again(record: DrawingRecord) -> tuple[Draw, ...]:
    """The draws that the record leads to, by the same rules."""
    lots: Sequence[Lot] = [one.lot() for one in record.lots]
    asked = (
        (record.in_units, False, Place.BEFORE_TAX),
        (record.in_units_at_use, False, Place.AFTER_TAX),
        (record.before_tax, True, Place.BEFORE_TAX),
        (record.after_tax, True, Place.AFTER_TAX),
    )
    found: list[Draw] = []
    for lines, is_money, place in asked:
        paying = [
            one
            for one in lots
            if one.grant.unit.is_currency is is_money and one.grant.place is place
        ]
        found += share_costs(draw(lines, paying).draws, paying)
    return tuple(found)
