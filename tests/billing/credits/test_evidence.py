"""What draws were decided from leads to the same draws, and to others once it is changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from hypothesis import given

from billing.credits.cuts import Segment
from billing.credits.drawing import NOTHING_DRAWN, DrawableLine, Lot, draw
from billing.credits.evidence import DrawingRecord, LotRecord, draw_again, record_drawing
from billing.credits.expiry import CostBasis
from billing.credits.grants import Grant, GrantKind, Place, Scope
from billing.identifiers import MeterId
from billing.invoicing.receipts import from_document, to_document
from billing.units import Taxation, Unit, currency_unit
from tests.billing.credits.lots import CHARGES, METERS, grant, lines, lots
from tests.billing.profiles import supporting

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
MIDDLE = JANUARY + timedelta(days=14)
METER = MeterId(UUID(int=7))


def lot(rest: str, sequence: int, **more: object) -> Lot:
    """What is left of a grant of 100."""
    grant = Grant(
        grant_id=uuid4(),
        sequence=sequence,
        unit=currency_unit("USD"),
        amount=Decimal(100),
        kind=GrantKind.FREE,
        effective_at=JANUARY,
    )
    return Lot(grant=replace(grant, **more), rest=Decimal(rest))  # type: ignore[arg-type]  # what a test says by name


def test_a_record_leads_to_the_same_draws_and_a_changed_one_does_not() -> None:
    segments = (
        Segment(used_at=JANUARY, amount=Decimal(50)),
        Segment(used_at=MIDDLE, amount=Decimal(30), until=MIDDLE + timedelta(days=30)),
    )
    line = DrawableLine(position=0, segments=segments, meter_id=METER)
    lots = [
        lot("60", 1, expires_at=MIDDLE, applies_to=Scope(meter_ids=frozenset({METER}))),
        lot("20", 2),
    ]
    drawn = draw([line], lots)

    record = record_drawing(drawn, NOTHING_DRAWN)

    assert record is not None
    read = from_document(DrawingRecord, to_document(record))
    assert read == record
    assert draw_again(read) == drawn.draws
    assert [one.amount for one in drawn.draws] == [50, 20]
    changed = replace(record, lots=(replace(record.lots[0], rest=Decimal(40)), record.lots[1]))
    assert draw_again(changed) != drawn.draws


def test_nothing_drawn_needs_no_record() -> None:
    assert record_drawing(NOTHING_DRAWN, NOTHING_DRAWN) is None


@supporting
@given(bill=lines(), credit=lots())
def test_a_record_of_any_bill_survives_json_and_draws_the_same_again(
    bill: list[DrawableLine], credit: list[Lot]
) -> None:
    before = draw(bill, [one for one in credit if one.grant.place is Place.BEFORE_TAX])
    after = draw(before.left, [one for one in credit if one.grant.place is Place.AFTER_TAX])

    record = record_drawing(before, after)

    if not (before.draws or after.draws):
        assert record is None
        return
    assert record is not None
    read = from_document(DrawingRecord, to_document(record))
    assert draw_again(read) == (*before.draws, *after.draws)
    assert [one.lot() for one in read.lots] == [*before.lots, *after.lots]


def test_a_lot_is_written_down_with_all_that_decides_whom_it_pays() -> None:
    one = grant(
        unit=Unit(code="TOKENS", scale=1, taxation=Taxation.AT_PURCHASE),
        kind=GrantKind.PAID,
        priority=7,
        expires_at=MIDDLE,
        effective_at=JANUARY,
        applies_to=Scope(meter_ids=frozenset(METERS), charge_ids=frozenset(CHARGES)),
    )
    cost = CostBasis(amount=Decimal(10), currency="USD", left=Decimal(4), held=Decimal(1))

    found = LotRecord.of(Lot(grant=one, rest=Decimal(3), cost=cost))

    assert (found.unit, found.scale, found.taxation) == ("TOKENS", 1, Taxation.AT_PURCHASE)
    assert (found.amount, found.rest, found.kind, found.priority) == (100, 3, "paid", 7)
    assert (found.effective_at, found.expires_at) == (JANUARY, MIDDLE)
    assert (found.meter_ids, found.charge_ids) == (tuple(METERS), tuple(CHARGES))
    assert (found.cost, found.grant_id, found.sequence) == (cost, one.grant_id, one.sequence)
    assert found.lot() == Lot(grant=one, rest=Decimal(3), cost=cost)


def test_a_record_draws_at_each_place_from_the_grants_that_pay_there() -> None:
    """Free dollars pay what was asked before tax, and sold ones what was asked after it."""
    free, sold = lot("5", 1), lot("7", 2, kind=GrantKind.PAID)
    asked = DrawableLine(position=0, segments=(Segment(used_at=JANUARY, amount=Decimal(9)),))
    record = record_drawing(draw([asked], [free]), draw([asked], [sold]))
    assert record is not None

    found = draw_again(record)

    assert [(one.grant_id, one.amount, one.place) for one in found] == [
        (free.grant.grant_id, 5, Place.BEFORE_TAX),
        (sold.grant.grant_id, 7, Place.AFTER_TAX),
    ]
    assert draw_again(replace(record, after_tax=())) == found[:1]
