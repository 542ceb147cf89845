"""Alerts on credit are told in the transaction that moves it: nobody has to look.

*Source: CREDITS 25.*
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from billing.errors import Conflict
from billing.notifications.alerts import AlertDirection, AlertOn, AlertTerms
from repositories.notifications.alerts import lock_of_customer
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from services.credits import holds
from services.credits.holds import NewHold
from services.rating.alerts import looking, rules
from services.rating.alerts.figures import Figures
from services.rating.alerts.rules import NewAlert
from tests.services.credits.purse import BEGIN, DAY, UNIT, Purse, open_purse
from tests.services.invoicing.bills import GRACE_OVER, pass_to, use
from tests.services.invoicing.prepaid.drawn import give
from tests.services.lives import begin_life
from tests.services.shop import Shop

SOON = BEGIN + timedelta(minutes=1)


@pytest.fixture(scope="module")
def transactions(module_database_url: str) -> Iterator[Transactions]:
    """Transactions as processes open them."""
    engine = create_application_engine(module_database_url)
    yield Transactions(engine, before_commit=looking.look_at_moved_credit)
    engine.dispose()


@pytest.fixture
def purse(shop: Shop) -> Purse:
    """A customer with 10 tokens."""
    opened = open_purse(shop)
    opened.grant("10")
    return opened


def watch(shop: Shop, customer_id: UUID, unit: str, threshold: int, *, rearm: bool = False) -> UUID:
    """An alert on credit that is going to be less than that."""
    terms = AlertTerms(
        on=AlertOn.AVAILABLE, thresholds=(Decimal(threshold),), direction=AlertDirection.DOWN
    )
    command = NewAlert(terms=terms, customer_id=customer_id, unit=unit, rearm=rearm)
    return shop.do(rules.create_alert, command).id


def told(shop: Shop, alert_id: UUID) -> list[tuple[Decimal, int]]:
    """What was told, and the value that each was told with."""
    found, _ = shop.read(rules.list_crossings, alert_id, offset=0, limit=100)
    return [(one.value, one.number) for one in found]


def test_a_hold_tells_what_it_crosses(purse: Purse) -> None:
    alert_id = watch(purse.shop, purse.customer_id, UNIT, 7)

    purse.hold("2")
    before = told(purse.shop, alert_id)
    purse.hold("2")

    assert (before, told(purse.shop, alert_id)) == ([], [(6, 1)])


def test_what_comes_back_between_two_looks_is_told_each_time(purse: Purse) -> None:
    once = watch(purse.shop, purse.customer_id, UNIT, 7)
    again = watch(purse.shop, purse.customer_id, UNIT, 7, rearm=True)

    for amount in ("4", "5"):
        made = purse.hold(amount)
        purse.release(made.id, now=SOON)

    assert told(purse.shop, once) == [(6, 1)]
    assert told(purse.shop, again) == [(6, 1), (5, 2)]


def test_a_bill_tells_what_its_draws_cross(shop: Shop) -> None:
    life = begin_life(shop)
    give(life, "100")
    use(life, (5, "80"))
    alert_id = watch(shop, life.row().customer_id, "USD", 50)

    pass_to(life, GRACE_OVER)

    assert told(shop, alert_id) == [(20, 1)]


def test_what_is_undone_tells_nothing(purse: Purse) -> None:
    alert_id = watch(purse.shop, purse.customer_id, UNIT, 7)

    with pytest.raises(RuntimeError):
        fail_after_holding(purse)

    assert told(purse.shop, alert_id) == []


def fail_after_holding(purse: Purse) -> None:
    """The threshold was crossed, and the transaction comes to nothing."""
    command = NewHold(
        customer_id=purse.customer_id, unit=UNIT, amount=Decimal(4), expires_at=BEGIN + DAY
    )
    with purse.shop.transactions.for_organization(purse.organization_id) as session:
        holds.hold(session, purse.organization_id, command, now=BEGIN)
        looking.look_at_moved_credit(session)
        raise RuntimeError


def test_expiry_tells_as_it_is_posted(purse: Purse) -> None:
    alert_id = watch(purse.shop, purse.customer_id, UNIT, 12)
    purse.grant("5", expires_at=BEGIN + DAY)

    purse.expire(now=BEGIN + DAY)

    assert told(purse.shop, alert_id) == [(10, 1)]


@pytest.mark.parametrize(
    "error", [Conflict("Not now.", code="not_now"), ZeroDivisionError("not now")], ids=repr
)
def test_credit_moves_where_its_alert_cannot_be_looked_at(
    purse: Purse, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    alert_id = watch(purse.shop, purse.customer_id, UNIT, 7)

    def refuse(*_args: object, **_options: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(Figures, "of", refuse)
        purse.hold("4")

    assert (purse.balance().held, told(purse.shop, alert_id)) == (4, [])
    while looking.look_at_next(purse.shop.transactions, now=SOON):
        pass
    assert told(purse.shop, alert_id) == [(6, 1)]


def test_credit_moves_while_somebody_looks_at_its_alert(purse: Purse) -> None:
    alert_id = watch(purse.shop, purse.customer_id, UNIT, 7)
    with purse.shop.transactions.for_organization(purse.organization_id) as other:
        assert lock_of_customer(other, purse.organization_id, purse.customer_id)
        purse.hold("4")

        assert told(purse.shop, alert_id) == []

    while looking.look_at_next(purse.shop.transactions, now=SOON):
        pass
    assert told(purse.shop, alert_id) == [(6, 1)]
