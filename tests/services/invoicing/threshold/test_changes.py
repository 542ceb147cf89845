"""A plan that changes at the instant at which its period was billed at a threshold.

*Source: CREDITS 24.*
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from repositories.subscriptions import thresholds as stored_thresholds
from services.invoicing.threshold import looking
from services.lifecycle import plan_changes
from tests.services.invoicing.bills import GRACE_OVER, pass_to, use
from tests.services.invoicing.threshold.stepped import (
    begin_stepped,
    billed,
    kinds,
    look,
    require_sound,
)
from tests.services.lives import Life
from tests.services.shop import NOW, Shop


def change_to(life: Life, price: str) -> None:
    """At once, to a plan that has so much for a call."""
    other = life.shop.add_plan(lookup_id="other")
    life.shop.add_usage_charge(other, life.meter_id(), unit_price=Decimal(price))
    life.do(partial(plan_changes.change_plan, at_period_end=False), other.id, now=NOW)
    life.catch_up()


def test_a_period_that_begins_anew_takes_off_what_was_invoiced(shop: Shop) -> None:
    life = begin_stepped(shop)
    use(life, (1, "60"))
    assert look(life) is not None

    change_to(life, "2")
    use(life, (20, "5"))
    pass_to(life, GRACE_OVER)

    assert kinds(life)[:2] == [("threshold", "60"), ("period", "70")]
    assert billed(life) == 130
    require_sound(life)


def test_a_period_that_begins_anew_goes_on_with_its_steps(shop: Shop) -> None:
    life = begin_stepped(shop)
    use(life, (1, "60"))
    look(life)

    change_to(life, "2")
    again = look(life)

    assert again is not None
    assert (again.revision, again.total) == (-2, 60)
    pass_to(life, GRACE_OVER)
    assert billed(life) == 120
    require_sound(life)


def test_a_look_that_the_database_refuses_is_tried_again_later(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = begin_stepped(shop)
    looks: list[UUID] = []

    def refuse(_: Session, __: UUID, subscription_id: UUID, *, now: datetime) -> None:
        if subscription_id == life.subscription_id:
            looks.append(subscription_id)
            raise IntegrityError("INSERT", {}, ValueError(f"uq_invoice_threshold at {now}"))

    monkeypatch.setattr(looking, "bill_if_reached", refuse)
    shop.do(stored_thresholds.wake, life.row().customer_id)
    present = datetime.now(UTC)
    while looking.look_at_next(shop.transactions, now=present):
        pass

    assert len(looks) == 1
