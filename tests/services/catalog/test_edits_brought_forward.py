"""Edits that wait for the next period are brought forward by the same edit again (CONTRACT 95)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import Session

from billing.periods import Interval
from billing.rating.terms import ChargeStatus, Effective, PlanType
from models.catalog.plans import Charge
from repositories.catalog import plans
from repositories.catalog.shown import PlanContents
from services.accounts.settings import ChangeSettings, change_settings
from services.catalog import charges
from services.catalog.edits import Edited
from services.catalog.plans import PlanDetails, UpdatePlan, update_plan
from tests.services.catalog.test_edits import FEBRUARY, MARCH, RUNNING, TENTH, begin, totals
from tests.services.lives import START
from tests.services.plan_fees import add_fee
from tests.services.shop import Shop

NOTHING: Any = UpdatePlan(
    details=PlanDetails(
        name="",
        lookup_id="",
        type=PlanType.HYBRID,
        billing_interval=Interval.MONTH,
        currency="USD",
    ),
    given=frozenset(),
)


def _deactivate_now(
    session: Session, organization_id: UUID, plan_id: UUID, charge_id: UUID, *, now: datetime
) -> Edited[Charge]:
    status = ChargeStatus.INACTIVE
    return charges.set_charge_status(
        session, organization_id, plan_id, charge_id, status, effective=RUNNING, now=now
    )


def _bring_forward(
    session: Session, organization_id: UUID, plan_id: UUID, *, now: datetime
) -> Edited[PlanContents]:
    return update_plan(session, organization_id, plan_id, NOTHING, effective=RUNNING, now=now)


def test_edit_that_waits_is_brought_forward_by_the_same_edit_again(shop: Shop) -> None:
    life = begin(shop)
    plan_id = life.row().plan_id
    (charged,) = [
        one for one in shop.read(plans.list_active_charges, plan_id) if one.type == "FIXED"
    ]
    life.send_clock(TENTH)
    life.catch_up()
    shop.do(charges.set_charge_status, plan_id, charged.id, "INACTIVE")

    edited = shop.do(_deactivate_now, plan_id, charged.id)
    again = shop.do(_deactivate_now, plan_id, charged.id)
    life.send_clock(MARCH)
    life.catch_up()

    assert (edited.reach.effective_from, edited.reach.subscriptions) == (START, 1)
    assert again.reach.subscriptions == 0
    assert totals(life) == [Decimal(0), Decimal(0)]


def test_plan_patched_for_the_running_period_brings_forward_what_waits(shop: Shop) -> None:
    shop.do(change_settings, ChangeSettings(values={"plan_edits": "running_period"}))
    life = begin(shop)
    plan_id = life.row().plan_id
    life.send_clock(TENTH)
    life.catch_up()
    add_fee(shop, plan_id, "99", effective=Effective.NEXT_PERIOD)

    unasked = shop.do(update_plan, plan_id, NOTHING)
    asked = shop.do(_bring_forward, plan_id)
    life.send_clock(FEBRUARY)
    life.catch_up()

    assert (unasked.reach.subscriptions, asked.reach.subscriptions) == (0, 1)
    assert totals(life) == [Decimal(109)]
