"""What moves credit: draws, returns, ends, expiry and rollover; each once, however often asked."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.credits.expiry import Rollover
from billing.credits.grants import GrantStatus
from billing.errors import BillingError, InvalidInput, InvariantBroken
from billing.periods import Cadence, Interval
from tests.services.credits.purse import BEGIN, DAY, Purse

WEEK = timedelta(days=7)


def test_draws_lower_the_rest_once(purse: Purse) -> None:
    first, second = purse.grant("10"), purse.grant("5")
    invoice = purse.invoice()

    for _ in range(3):
        purse.draw(invoice, (first.row.id, 1, "10"), (second.row.id, 1, "1.25"))

    assert purse.balance().available == Decimal("3.75")
    assert purse.read(first.row.id).status is GrantStatus.USED
    assert purse.movements() == [
        ("granted", 10),
        ("granted", 5),
        ("drawn", -10),
        ("drawn", Decimal("-1.25")),
    ]


def test_more_than_there_is_cannot_be_drawn(purse: Purse) -> None:
    made = purse.grant("10")

    with pytest.raises(InvariantBroken):
        purse.draw(purse.invoice(), (made.row.id, 1, "10.01"))

    assert purse.balance().available == 10


def test_a_void_gives_back_what_was_drawn_once(purse: Purse) -> None:
    made, invoice = purse.grant("10"), purse.invoice()
    purse.draw(invoice, (made.row.id, 1, "4"), (made.row.id, 2, "3"))

    for _ in range(3):
        purse.give_back(invoice)

    assert purse.balance().available == 10
    assert purse.movements()[-1] == ("returned", 7)


def test_what_comes_back_to_a_grant_that_is_over_is_gone(purse: Purse) -> None:
    made, invoice = purse.grant("10", expires_at=BEGIN + DAY), purse.invoice()
    purse.draw(invoice, (made.row.id, 1, "4"))
    purse.expire(now=BEGIN + WEEK)

    for _ in range(2):
        purse.give_back(invoice, now=BEGIN + WEEK)

    assert purse.movements()[2:] == [("expired", -6), ("returned", 4), ("expired", -4)]
    assert purse.balance(now=BEGIN + WEEK).settled == 0


def test_what_comes_back_lives_on_where_somebody_says_so(purse: Purse) -> None:
    made, invoice = purse.grant("10", expires_at=BEGIN + DAY), purse.invoice()
    purse.draw(invoice, (made.row.id, 1, "4"))

    for _ in range(2):
        purse.give_back(invoice, now=BEGIN + WEEK, extend_days=3)

    assert purse.balance(now=BEGIN + WEEK + 2 * DAY).available == 4
    assert purse.balance(now=BEGIN + WEEK + 3 * DAY).available == 0


def test_credit_is_gone_at_its_instant_before_anybody_posts_it(purse: Purse) -> None:
    made = purse.grant("10", expires_at=BEGIN + DAY)

    assert purse.balance(now=BEGIN + DAY - timedelta(microseconds=1)).available == 10
    assert purse.balance(now=BEGIN + DAY).available == 0
    read = purse.read(made.row.id, now=BEGIN + DAY)
    assert (read.status, read.rest) == (GrantStatus.EXPIRED, 0)


def test_an_expiry_is_dated_as_it_was_however_late(purse: Purse) -> None:
    made = purse.grant("10", expires_at=BEGIN + DAY)

    counts = [purse.expire(now=BEGIN + WEEK) for _ in range(3)]

    assert counts == [1, 0, 0]
    entry = purse.ledger()[-1]
    assert (entry.kind, entry.at, entry.booked_at) == ("expired", BEGIN + DAY, BEGIN + WEEK)
    assert purse.read(made.row.id, now=BEGIN + WEEK).status is GrantStatus.EXPIRED
    assert purse.balance(now=BEGIN + WEEK, at=BEGIN).settled == 10


def test_what_rolls_over_goes_on_and_the_remainder_expires(purse: Purse) -> None:
    monthly = Cadence(interval=Interval.MONTH)
    rollover = Rollover(times=2, percent=Decimal(30), max=Decimal(25), expires_after=monthly)
    purse.grant("100", expires_at=BEGIN + DAY, rollover=rollover)

    # Both months are over by then: each is rolled at its own instant.
    while purse.expire(now=BEGIN + DAY + timedelta(days=40)):
        pass

    assert purse.movements() == [
        ("granted", 100),
        ("rolled", -25),
        ("granted", 25),
        ("expired", -75),
        ("rolled", Decimal("-7.5")),
        ("granted", Decimal("7.5")),
        ("expired", Decimal("-17.5")),
    ]
    balance = purse.balance(now=BEGIN + DAY + timedelta(days=40))
    assert balance.available == Decimal("7.5")


def test_a_rollover_of_less_than_the_unit_can_say_is_refused(purse: Purse) -> None:
    with pytest.raises(InvalidInput) as refused:
        purse.grant("100", expires_at=BEGIN + DAY, rollover=Rollover(max=Decimal("0.005")))

    assert (refused.value.code, refused.value.field) == ("finer_than_unit", "rollover.max")
    assert purse.movements() == []


def test_an_early_end_takes_the_rest_once(purse: Purse) -> None:
    made = purse.grant("10", expires_at=BEGIN + WEEK)

    read = [purse.end(made.row.id, now=BEGIN + DAY) for _ in range(3)][-1]

    assert (read.status, read.rest, read.ended_at) == (GrantStatus.ENDED, 0, BEGIN + DAY)
    assert purse.movements() == [("granted", 10), ("expired", -10)]
    assert purse.balance(now=BEGIN + DAY).settled == 0


def test_a_grant_that_has_not_begun_can_be_ended(purse: Purse) -> None:
    made = purse.grant("10", effective_at=BEGIN + DAY)

    assert purse.end(made.row.id).status is GrantStatus.ENDED

    instants = (BEGIN, BEGIN + DAY, BEGIN + WEEK)
    assert [purse.balance(at=at).settled for at in instants] == [0, 0, 0]


def test_what_is_over_cannot_be_ended(purse: Purse) -> None:
    made = purse.grant("10", expires_at=BEGIN + DAY)

    with pytest.raises(BillingError) as refused:
        purse.end(made.row.id, now=BEGIN + DAY)

    assert refused.value.code == "grant_expired"
