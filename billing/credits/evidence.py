"""What the draws of a bill were decided from, so that anybody can decide them again (I6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from billing.credits.drawing import NOTHING_DRAWN, Draw, DrawableLine, Drawing, Lot, draw
from billing.credits.grants import Grant, GrantKind, Place, Scope
from billing.identifiers import ChargeId, MeterId
from billing.units import Taxation, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class LotRecord:
    """A lot as it stood, in the form of a document."""

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
        return Lot(grant=grant, rest=self.rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawingRecord:
    """The lots, and what of each line could be paid in its own unit, before tax and after it."""

    lots: tuple[LotRecord, ...]
    before_tax: tuple[DrawableLine, ...]
    after_tax: tuple[DrawableLine, ...]
    in_units: tuple[DrawableLine, ...] = ()


def record_drawing(
    net: Drawing, gross: Drawing, in_units: Drawing = NOTHING_DRAWN
) -> DrawingRecord | None:
    """What a bill's draws were decided from; None where nothing was drawn."""
    if not (in_units.draws or net.draws or gross.draws):
        return None
    return DrawingRecord(
        lots=tuple(LotRecord.of(one) for one in (*in_units.lots, *net.lots, *gross.lots)),
        before_tax=net.asked,
        after_tax=gross.asked,
        in_units=in_units.asked,
    )


def draw_again(record: DrawingRecord) -> tuple[Draw, ...]:
    """The draws that the record leads to, by the same rules."""
    lots: Sequence[Lot] = [one.lot() for one in record.lots]
    own = [one for one in lots if not one.grant.unit.is_currency]
    money = [one for one in lots if one.grant.unit.is_currency]
    asked = (
        (record.in_units, own),
        (record.before_tax, [one for one in money if one.grant.place is Place.BEFORE_TAX]),
        (record.after_tax, [one for one in money if one.grant.place is Place.AFTER_TAX]),
    )
    return tuple(found for lines, paying in asked for found in draw(lines, paying).draws)
