"""Whether a customer has a cap is right, whoever makes and ends caps at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from billing.notifications.alerts import AlertAction, AlertDirection, AlertOn, AlertTerms
from models.customers import Customer
from runtime.embedded.processes import wait_until
from services.rating.alerts import rules
from services.rating.alerts.rules import NewAlert
from tests.services.lives import Life, begin_life
from tests.services.shop import NOW, Shop


def cap_of(life: Life) -> NewAlert:
    """The customer may spend ten dollars."""
    terms = AlertTerms(
        on=AlertOn.SPEND,
        thresholds=(Decimal(10),),
        direction=AlertDirection.UP,
        action=AlertAction.BLOCK,
    )
    return NewAlert(terms=terms, customer_id=life.row().customer_id)


def has_cap(life: Life, customer_id: UUID) -> bool:
    shop = life.shop
    with shop.transactions.for_organization(shop.organization_id) as session:
        found = session.get(Customer, (shop.organization_id, customer_id))
        assert found is not None
        return found.has_cap


def test_a_cap_that_is_made_as_the_only_other_one_ends_is_known(shop: Shop) -> None:
    life = begin_life(shop)
    customer_id = life.row().customer_id
    only = shop.do(rules.create_alert, cap_of(life)).id

    with (
        ThreadPoolExecutor(max_workers=1) as other,
        shop.transactions.for_organization(shop.organization_id) as session,
    ):
        rules.create_alert(session, shop.organization_id, cap_of(life), now=NOW)
        ending = other.submit(shop.do, rules.end_alert, only)
        until_somebody_waits_for_a_lock(session)
        session.commit()
        ending.result(60)

    assert has_cap(life, customer_id)


def until_somebody_waits_for_a_lock(session: Session) -> None:
    waiting = text("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted")
    assert wait_until(lambda: bool(session.scalar(waiting)), timeout_seconds=60)
