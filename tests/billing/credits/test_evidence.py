"""What draws were decided from leads to the same draws, and to others once it is changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from billing.credits.cuts import Segment
from billing.credits.drawing import NOTHING_DRAWN, DrawableLine, Lot, draw
from billing.credits.evidence import DrawingRecord, draw_again, record_drawing
from billing.credits.grants import Grant, GrantKind, Scope
from billing.identifiers import MeterId
from billing.invoicing.receipts import from_document, to_document
from billing.units import currency_unit

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
