"""A bill pays by the lots that its need finds as it would by all that there are."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

import pytest
from sqlmodel import Session

from billing.credits.bills import Need
from billing.credits.cuts import Segment, cut_instants
from billing.credits.drawing import Draw, DrawableLine, Lot, draw
from billing.credits.grants import Place
from billing.identifiers import MeterId
from billing.periods import Period
from services.credits.spendable import find_spendable
from tests.services.credits.purse import BEGIN, UNIT, Purse
from tests.services.credits.test_holds_by_model import grant_any

SPAN = Period(starts_at=BEGIN - timedelta(hours=3), ends_at=BEGIN + timedelta(hours=3))
HOURS = range(-3, 4)


def find_lots(
    session: Session, organization_id: UUID, purse: Purse, need: Need | None
) -> tuple[Lot, ...]:
    """What may pay in the wallet; with a need, what of it is needed."""
    key = (organization_id, purse.customer_id, UNIT)
    found = find_spendable(session, {key: BEGIN}, {} if need is None else {key: need})
    return found[key].lots if key in found else ()


def draw_all(lines: list[DrawableLine], lots: tuple[Lot, ...]) -> list[Draw]:
    """What pays of the lines, in each place of a bill."""
    return [
        one
        for place in Place
        for one in draw(lines, [lot for lot in lots if lot.grant.place is place]).draws
    ]


def lines_of(numbers: Random, meter_id: UUID) -> list[DrawableLine]:
    """Lines that were used some time in the span, one of them billed late."""
    return [
        DrawableLine(
            position=position,
            segments=tuple(
                Segment(
                    used_at=BEGIN + timedelta(hours=hour),
                    amount=Decimal(numbers.randrange(1, 4)),
                    until=BEGIN + timedelta(hours=3) if position == 2 else None,
                )
                for hour in sorted(numbers.sample(HOURS, 2))
            ),
            meter_id=MeterId(meter_id) if numbers.random() < 0.5 else None,
        )
        for position in range(3)
    ]


@pytest.mark.parametrize("seed", range(40))
def test_lots_that_are_left_out_would_neither_pay_nor_cut(purse: Purse, seed: int) -> None:
    numbers = Random(seed)
    meter_id = purse.shop.add_meter().id
    for _ in range(16):
        purse.shop.read(grant_any, purse, numbers, meter_id)
    lines = lines_of(numbers, meter_id)
    whole = sum((one.amount for one in lines), Decimal(0))

    need = Need(amount=whole, since=SPAN.starts_at, until=SPAN.ends_at)
    every = purse.shop.read(find_lots, purse, None)
    needed = purse.shop.read(find_lots, purse, need)

    assert draw_all(lines, needed) == draw_all(lines, every)
    cuts = [cut_instants(SPAN, [one.grant for one in lots]) for lots in (needed, every)]
    assert cuts[0] == cuts[1]


def test_of_fifty_lots_for_everything_only_those_that_suffice_are_read(purse: Purse) -> None:
    for _ in range(50):
        purse.grant("10", effective_at=BEGIN - timedelta(days=1))

    need = Need(amount=Decimal(15), since=SPAN.starts_at, until=SPAN.ends_at)
    needed = purse.shop.read(find_lots, purse, need)

    assert len(needed) == 2
