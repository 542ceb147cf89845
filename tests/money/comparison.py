"""What the documents say is what the model says, now or once all is settled."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

from repositories.transactions import Transactions
from tests.money.driver import Driver
from tests.money.model import journal
from tests.money.rehearsal import rehearse

HOUR = timedelta(hours=1)


def compare(transactions: Transactions, driver: Driver) -> bool:
    """The documents say what is owed, or will once all is settled; whether it had to be."""
    if Fraction(driver.total()) == driver.model.owed():
        return False
    compare_settled(transactions, driver)
    return True


def compare_settled(transactions: Transactions, driver: Driver) -> None:
    """If everything ended now and was settled, the documents would say what is owed then."""
    with rehearse(transactions, driver.market.shop.organization_id) as rehearsal:
        inside = driver.within(rehearsal)
        settle(inside)
        documents, model = inside.total(), inside.model.owed()
        assert Fraction(documents) == model, f"documents say {documents}, owed are {model}"


def settle(driver: Driver) -> None:
    """All subscriptions end, and the clock goes on until nothing is pending."""
    model = driver.model
    for name, life in model.lives.items():
        if not life.is_over:
            driver.perform(journal.Canceled(subscription=name))
    if driver.pending().drafts:
        _go_on(driver, timedelta(minutes=model.opened.grace_minutes))
    for _ in range(2):
        if driver.pending().differences:
            _go_on(driver, 2 * HOUR)
    if driver.pending().credit:
        _go_on(driver, timedelta(days=31))


def _go_on(driver: Driver, later: timedelta) -> None:
    driver.perform(journal.Advanced(to=driver.model.now + later))
