"""Credit that is sold again and again: at its times, whoever runs, and by nobody else's locks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import col, select
from temporalio.testing import ActivityEnvironment

from activities.coverage import CoverageActivities
from billing.credits.grants import GrantKind
from billing.credits.purchases import Cost
from billing.errors import Conflict, InvalidInput
from billing.invoicing.kinds import InvoiceKind
from billing.periods import Cadence, Interval
from billing.units import Taxation
from models.accounts.organizations import OrganizationDirectory
from models.credits.grant_rules import CreditGrantRule
from models.invoicing.invoices import Invoice
from repositories.credits import grant_rules as stored_rules
from repositories.credits import wallets as stored_wallets
from repositories.invoicing import receipts as stored_receipts
from services.credits import units
from services.credits.recurring.rules import NewGrantRule
from services.credits.standing import find_customer
from services.customers import (
    CreateCustomer,
    CustomerDetails,
    UpdateCustomer,
    create_customer,
    delete_customer,
    update_customer,
)
from services.purchases import recurring
from tests.services.credits.purse import DAY, grant_due
from tests.services.lives import START, begin_life
from tests.services.shop import NOW, Shop
from tests.services.subscriptions.test_clocks import until_somebody_waits_for_a_lock

LATER = NOW + timedelta(days=31)
MONTHLY = Cadence(interval=Interval.MONTH)


def add_customer(shop: Shop, test_clock_id: UUID | None = None) -> UUID:
    """A customer without credit."""
    details = CustomerDetails(name="Quay", email="a@quay.test", billing_address_country="DE")
    command = CreateCustomer(details=details, test_clock_id=test_clock_id)
    return shop.do(create_customer, command).id


def sell_monthly(
    shop: Shop, customer_id: UUID, unit: str = "USD", *, now: datetime = NOW, **more: Any
) -> CreditGrantRule:
    """Ten of credit for eight, each month, which each last one."""
    terms: dict[str, Any] = {"interval": MONTHLY, "expires_after": MONTHLY} | more
    cost = Cost(amount=Decimal(8), currency="USD")
    command = NewGrantRule(unit=unit, amount=Decimal(10), kind=GrantKind.PAID, cost=cost, **terms)
    return shop.do(recurring.create_rule, customer_id, command, now=now)


def give_monthly(shop: Shop, customer_id: UUID) -> CreditGrantRule:
    """Ten of credit, each month."""
    command = NewGrantRule(unit="USD", amount=Decimal(10), interval=MONTHLY)
    return shop.do(recurring.create_rule, customer_id, command)


def stored(shop: Shop, rule: CreditGrantRule) -> CreditGrantRule:
    """The rule as it is now."""
    found = shop.read(stored_rules.find_rule, rule.id)
    assert found is not None
    return found


def rules_of(shop: Shop, customer_id: UUID) -> Sequence[CreditGrantRule]:
    """The customer's rules."""
    return shop.show(stored_rules.RULE_PAGES, customer_id=customer_id).data


def sales_of(shop: Shop, customer_id: UUID) -> list[datetime]:
    """When the customer was sold credit."""
    with shop.transactions.for_organization(shop.organization_id) as session:
        found = session.exec(
            select(Invoice.issue_date)
            .where(Invoice.customer_id == customer_id, Invoice.kind == InvoiceKind.PURCHASE)
            .order_by(col(Invoice.issue_date))
        )
        return list(found)


def check_hourly(shop: Shop, *, now: datetime) -> None:
    """The hourly check is made."""

    async def find_running(organization_id: UUID) -> set[UUID]:
        return set()

    with shop.transactions.for_organization(shop.organization_id) as session:
        session.merge(OrganizationDirectory(id=shop.organization_id))
    coverage = CoverageActivities(shop.transactions, find_running, lambda: now)
    asyncio.run(ActivityEnvironment().run(coverage.check_coverage))


def test_a_sale_to_one_customer_keeps_no_bill_of_another_waiting(shop: Shop) -> None:
    """A bill holds its customer's wallets as it asks for the chain, which a sale has until then."""
    first, second = sorted(add_customer(shop) for _ in range(2))
    for customer_id in (first, second):
        sell_monthly(shop, customer_id)

    with (
        ThreadPoolExecutor(max_workers=1) as other,
        shop.transactions.for_organization(shop.organization_id) as bill,
    ):
        stored_wallets.lock_wallets_of(bill, [(shop.organization_id, second)])
        checked = other.submit(check_hourly, shop, now=LATER)
        until_somebody_waits_for_a_lock(bill)
        bill.execute(text("SET LOCAL lock_timeout = '5s'"))
        stored_receipts.lock_chains(bill, [shop.organization_id], now=LATER)
        bill.commit()
        checked.result(60)

    assert [len(sales_of(shop, one)) for one in (first, second)] == [2, 2]


def test_a_rule_that_ends_has_sold_what_was_due(shop: Shop) -> None:
    customer_id = add_customer(shop)
    rule = sell_monthly(shop, customer_id)

    for _ in range(2):
        shop.do(recurring.end_rule, customer_id, rule.id, now=LATER)

    assert sales_of(shop, customer_id) == [NOW, LATER]
    [ended] = rules_of(shop, customer_id)
    assert (ended.made, ended.next_at, ended.ended_because) == (2, None, "person")


def test_a_rule_that_ends_though_it_could_not_sell_says_what_kept_it(shop: Shop) -> None:
    customer_id = add_customer(shop)
    unit = units.CreateUnit(code="TOKENS", name="Tokens", scale=0, tax=Taxation.AT_PURCHASE)
    shop.do(units.create_unit, unit)
    rule = sell_monthly(shop, customer_id, unit="TOKENS")
    nowhere = UpdateCustomer(
        details=CustomerDetails(name="Quay"), given=frozenset({"billing_address_country"})
    )
    shop.do(update_customer, customer_id, nowhere)

    shop.do(recurring.end_rule, customer_id, rule.id, now=LATER)

    assert sales_of(shop, customer_id) == [NOW]
    assert [one.ended_because for one in rules_of(shop, customer_id)] == [
        "customer_without_country"
    ]


def test_a_rule_sells_no_more_at_once_than_a_request_closes_periods(shop: Shop) -> None:
    customer_id = add_customer(shop)
    daily = Cadence(interval=Interval.DAY)
    from_long_ago = partial(sell_monthly, shop, customer_id, interval=daily)

    with pytest.raises(InvalidInput) as refused:
        from_long_ago(anchor=NOW - 40 * DAY, expires_after=None)
    # What is over by now is not sold, however long ago the first was.
    from_long_ago(anchor=NOW - 400 * DAY, expires_after=replace(daily, count=40))

    assert (refused.value.code, refused.value.field) == ("too_many_missed", "anchor")
    assert len(sales_of(shop, customer_id)) == 40


def test_rules_of_a_customer_who_is_deleted_are_over(shop: Shop) -> None:
    customer_id = add_customer(shop)
    sold, given = sell_monthly(shop, customer_id), give_monthly(shop, customer_id)

    shop.do(delete_customer, customer_id, now=LATER)

    assert sales_of(shop, customer_id) == [NOW]
    assert [(stored(shop, one).ended_because, stored(shop, one).made) for one in (sold, given)] == [
        ("customer_deleted", 1),
        ("customer_deleted", 2),
    ]


def test_a_rule_that_a_deleted_customer_still_has_is_over_as_it_is_due(shop: Shop) -> None:
    """It was made as the customer was deleted, or the customer's clock was."""
    customer_id = add_customer(shop)
    given = give_monthly(shop, customer_id)
    with shop.transactions.for_organization(shop.organization_id) as session:
        find_customer(session, shop.organization_id, customer_id).deleted_at = NOW

    grant_due(shop, now=LATER)

    found = stored(shop, given)
    assert (found.ended_because, found.made) == ("customer_deleted", 1)


def test_the_hourly_check_sells_where_a_clock_stood_and_not_where_it_goes(shop: Shop) -> None:
    life = begin_life(shop)
    customer_id = add_customer(shop, life.clock_id)
    sell_monthly(shop, customer_id)
    stood = START.replace(month=START.month + 1, day=3)
    life.advance(stood)
    life.send_clock(START.replace(month=START.month + 3))

    grant_due(shop, now=NOW)

    assert sales_of(shop, customer_id) == [START, stood]


def test_a_rule_that_sells_is_not_ended_while_its_clock_is_on_its_way(shop: Shop) -> None:
    life = begin_life(shop)
    customer_id = add_customer(shop, life.clock_id)
    sold, given = sell_monthly(shop, customer_id), give_monthly(shop, customer_id)
    life.send_clock(START.replace(month=START.month + 3))

    with pytest.raises(Conflict) as refused:
        shop.do(recurring.end_rule, customer_id, sold.id)
    shop.do(recurring.end_rule, customer_id, given.id)
    life.catch_up()
    shop.do(recurring.end_rule, customer_id, sold.id)

    assert refused.value.code == "test_clock_advancing"
    assert stored(shop, sold).ended_because == "person"
