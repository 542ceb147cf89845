"""Credit that recurs is there from its instant on, whoever runs, and once, whoever asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from billing.credits.expiry import Rollover
from billing.errors import Conflict, InvalidInput
from billing.periods import Cadence, Interval
from models.credits.grant_rules import CreditGrantRule
from services.credits.checks import check_credits
from services.credits.recurring import rules
from services.credits.recurring.rules import NewGrantRule
from services.purchases import recurring
from tests.services.credits.purse import BEGIN, DAY, UNIT, Purse, grant_due

MONTHLY = Cadence(interval=Interval.MONTH)
HOUR = timedelta(hours=1)


def recur(purse: Purse, amount: str = "100", now: datetime = BEGIN, **more: Any) -> CreditGrantRule:
    """So much more, each month where nothing else is said, for as long."""
    terms = {"interval": MONTHLY, "expires_after": MONTHLY} | more
    command = NewGrantRule(unit=UNIT, amount=Decimal(amount), **terms)
    return purse.shop.do(recurring.create_rule, purse.customer_id, command, now=now)


def test_credit_recurs_with_nobody_running(purse: Purse) -> None:
    recur(purse)

    found = [purse.balance(now=BEGIN + days * DAY).available for days in (0, 30, 31, 61, 365)]

    assert found == [100, 100, 100, 100, 100]
    assert purse.balance(now=BEGIN + 31 * DAY).lots != purse.balance(now=BEGIN).lots
    assert [one[0] for one in purse.movements()] == ["granted"]


def test_a_balance_at_an_instant_counts_what_is_due_then(purse: Purse) -> None:
    recur(purse, expires_after=None)

    found = [purse.balance(at=BEGIN + days * DAY).available for days in (-1, 0, 30, 31, 92)]

    assert found == [0, 100, 100, 200, 400]


def test_what_is_stored_late_is_dated_as_it_was(purse: Purse) -> None:
    recur(purse)
    late = datetime(2026, 6, 5, tzinfo=UTC)
    seen = purse.balance(now=late)

    assert grant_due(purse.shop, now=late) == 1
    assert grant_due(purse.shop, now=late) == 0

    granted = [one.at for one in purse.ledger() if one.kind == "granted"]
    assert granted == [datetime(2026, month, 2, 8, tzinfo=UTC) for month in (3, 4, 5, 6)]
    assert purse.balance(now=late) == seen


def test_twenty_23973_months_are_counted_from_the_anchor_and_no_day_is_without_credit(
    purse: Purse,
) -> None:
    """A period start rebuilt by subtraction lost three days in February: twenty 23973."""
    recur(purse, anchor=datetime(2026, 1, 31, tzinfo=UTC), now=datetime(2026, 2, 1, tzinfo=UTC))

    begins = datetime(2026, 2, 1, tzinfo=UTC)
    found = {purse.balance(now=begins + days * DAY).available for days in range(200)}

    assert found == {Decimal(100)}


def test_autumn_1822_a_rollover_ends_where_the_next_grant_begins(purse: Purse) -> None:
    """Rollover expiry off the reset boundary: Autumn 1822."""
    anchor = datetime(2026, 1, 31, tzinfo=UTC)
    rollover = Rollover(times=1, max=Decimal(30), expires_after=MONTHLY)
    recur(purse, anchor=anchor, rollover=rollover, now=anchor)
    february, march = (datetime(2026, *day, tzinfo=UTC) for day in ((2, 28), (3, 31)))

    grant_due(purse.shop, now=february)
    purse.expire(now=february)

    assert purse.balance(now=february).available == 130
    assert {one.expires_at for one in purse.balance(now=february).lots} == {march}
    assert purse.balance(now=march).available == 100


def test_a_hold_takes_from_what_is_due_and_not_stored(purse: Purse) -> None:
    recur(purse, priority=1)
    purse.grant("500")

    purse.hold("60", now=BEGIN + 40 * DAY)

    due = BEGIN + timedelta(days=31)
    [begun, _] = [one for one in purse.balance(now=BEGIN + 40 * DAY).lots if one.held or one.rest]
    assert begun.held in {Decimal(0), Decimal(60)}
    held = [one for one in purse.ledger() if one.kind == "held"]
    granted = [one for one in purse.ledger() if one.kind == "granted" and one.at == due]
    assert [one.grant_id for one in held] == [one.grant_id for one in granted]


def test_an_ended_rule_grants_no_more_and_takes_nothing_back(purse: Purse) -> None:
    rule = recur(purse, expires_after=None)
    end = partial(purse.shop.do, rules.end_rule, purse.customer_id, rule.id)

    end(now=BEGIN + 35 * DAY)
    end(now=BEGIN + 80 * DAY)

    assert purse.balance(now=BEGIN + 400 * DAY).available == 200
    assert grant_due(purse.shop, now=BEGIN + 400 * DAY) == 0


def test_a_rule_ends_by_itself(purse: Purse) -> None:
    recur(purse, expires_after=None, ends_at=BEGIN + 61 * DAY)

    assert purse.balance(now=BEGIN + 400 * DAY).available == 200
    grant_due(purse.shop, now=BEGIN + 400 * DAY)
    assert purse.balance(now=BEGIN + 400 * DAY).available == 200


def test_what_was_missed_before_the_rule_was_made_is_made_in_order(purse: Purse) -> None:
    recur(purse, anchor=BEGIN - 70 * DAY)

    assert [one.kind for one in purse.ledger()] == ["granted"] * 3
    assert purse.balance().available == 100


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": "0"}, "not_positive"),
        ({"amount": "0.001"}, "finer_than_unit"),
        ({"priority": 101}, "invalid_input"),
        ({"ends_at": BEGIN}, "ends_before_it_begins"),
        ({"rollover": Rollover(), "expires_after": None}, "rollover_without_expiry"),
        ({"rollover": Rollover(max=Decimal("0.005"))}, "finer_than_unit"),
        (
            {"anchor": BEGIN - 1001 * DAY, "interval": Cadence(interval=Interval.DAY)},
            "too_many_missed",
        ),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(
    purse: Purse, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        recur(purse, **changes)

    assert refused.value.code == code


def test_a_wallet_has_no_more_rules_than_whoever_moves_credit_can_ask(
    purse: Purse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MOST_RULES", 2)
    first, _ = recur(purse), recur(purse)

    with pytest.raises(Conflict) as refused:
        recur(purse)
    purse.shop.do(rules.end_rule, purse.customer_id, first.id, now=BEGIN)

    assert (refused.value.code, refused.value.field) == ("too_many_grant_rules", "unit")
    assert recur(purse).made == 1


def test_all_of_it_adds_up(purse: Purse) -> None:
    rollover = Rollover(times=2, percent=Decimal(50), expires_after=MONTHLY)
    recur(purse, rollover=rollover)
    for days in range(0, 200, 7):
        now = BEGIN + days * DAY
        purse.hold("9", now=now, hours=2)
        grant_due(purse.shop, now=now + HOUR)
        purse.expire(now=now + HOUR)

    assert list(purse.shop.read(check_credits).findings) == []
