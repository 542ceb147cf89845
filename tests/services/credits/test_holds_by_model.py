"""The database ranks grants for a hold as the rules do, and places holds as if each came alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from random import Random
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session

from billing.credits.grants import Place, Scope
from billing.credits.purchases import Cost
from billing.errors import BillingError, Conflict
from billing.identifiers import MeterId
from billing.money import ZERO
from models.base import new_id
from repositories.credits import grants as stored_grants
from repositories.credits.holds import HoldAsked
from repositories.entitlements.hold_groups import place_holds
from services import customers
from services.credits import grants, posting, units
from services.credits.grants import NewGrant, Sold
from services.credits.standing import find_customer, to_grant
from services.customers import CreateCustomer, CustomerDetails
from tests.services.credits.purse import BEGIN, DAY, UNIT, Purse
from tests.services.shop import Shop

Parts = list[tuple[UUID, Decimal]]


def grant_any(
    session: Session, organization_id: UUID, purse: Purse, numbers: Random, meter_id: UUID
) -> None:
    """A grant of any kind, priority, life and scope."""
    begins = BEGIN + timedelta(hours=numbers.choice((-2, -1, -1, 0, 1)))
    lives = numbers.choice((None, timedelta(hours=10), DAY))
    is_restricted = numbers.random() < 0.2
    command = NewGrant(
        unit=UNIT,
        amount=Decimal(numbers.randrange(1, 6)),
        priority=numbers.choice((40, 50)),
        effective_at=begins,
        expires_at=None if lives is None else begins + lives,
        applies_to=Scope(meter_ids=frozenset([MeterId(meter_id)] if is_restricted else [])),
    )
    sold = Sold(cost=Cost(amount=Decimal(1), currency="USD")) if numbers.random() < 0.5 else None
    customer = find_customer(session, organization_id, purse.customer_id)
    row = grants.new_row(session, customer, command, sold, at=BEGIN, now=BEGIN)
    posting.lock_wallet(session, posting.wallet_of(row), at=BEGIN, now=BEGIN)
    stored_grants.insert_grant(session, row)
    grants.begin(session, row, at=begins, now=BEGIN)


def divide_by_rules(
    session: Session, organization_id: UUID, purse: Purse, wanted: Decimal, until: datetime
) -> Parts | None:
    """Which grant would set how much aside, as the rules say; None if there is not enough."""
    unit = units.find_unit(session, organization_id, UNIT)
    lots = [
        (to_grant(one.grant, unit, begins_at=one.begins_at), one.rest)
        for one in stored_grants.list_lots(
            session, (organization_id, purse.customer_id, UNIT), at=BEGIN
        )
        if one.begins_at is not None
    ]
    fit = [
        (grant, rest)
        for grant, rest in lots
        if grant.is_alive(BEGIN)
        and not grant.applies_to.is_restricted
        and (grant.expires_at is None or grant.expires_at >= until)
    ]
    parts, left = [], wanted
    for grant, rest in sorted(fit, key=lambda one: (one[0].place is Place.AFTER_TAX, one[0].rank)):
        if left > ZERO:
            parts.append((grant.grant_id, min(rest, left)))
            left -= min(rest, left)
    return parts if left == ZERO else None


@pytest.mark.parametrize("seed", range(20))
def test_a_hold_takes_from_grants_in_the_order_of_the_rules(purse: Purse, seed: int) -> None:
    numbers = Random(seed)
    meter_id = purse.shop.add_meter().id
    for _ in range(8):
        purse.shop.read(grant_any, purse, numbers, meter_id)
    hours, wanted = numbers.choice((1, 20)), Decimal(numbers.randrange(1, 16))
    expected = purse.shop.read(divide_by_rules, purse, wanted, BEGIN + timedelta(hours=hours))
    hold_id = uuid4()

    refused = None
    try:
        purse.hold(str(wanted), hold_id=hold_id, hours=hours)
    except Conflict as error:
        refused = error.code

    held = [one for one in purse.ledger() if one.hold_id == hold_id]
    taken = [(one.grant_id, -one.amount) for one in held]
    assert (refused, taken) == (("no_credit", []) if expected is None else (None, expected))


def open_another(shop: Shop, seed: int, meter_id: UUID) -> Purse:
    """Another customer of the shop, with the grants of the seed."""
    details = CustomerDetails(name="Bay", email="bay@quay.test")
    customer = shop.do(customers.create_customer, CreateCustomer(details=details))
    made, numbers = Purse(shop=shop, customer_id=customer.id), Random(seed)
    for _ in range(4):
        shop.read(grant_any, made, numbers, meter_id)
    return made


def taken_by_place(purse: Purse) -> list[tuple[int, Decimal, Decimal, int]]:
    """What holds took of which of its grants, and what is left of that and of the wallet."""
    numbers = [one.grant_id for one in purse.ledger() if one.kind == "granted"]
    return [
        (numbers.index(one.grant_id), one.amount, one.balance_after, one.position)
        for one in purse.ledger()
        if one.kind == "held"
    ]


@pytest.mark.parametrize("seed", range(20))
def test_holds_of_a_moment_are_placed_as_if_each_came_alone(purse: Purse, seed: int) -> None:
    numbers, shop = Random(seed), purse.shop
    meter_id = shop.add_meter().id
    seeds = [numbers.randrange(10**6) for _ in range(3)]
    together, alone = ([open_another(shop, one, meter_id) for one in seeds] for _ in range(2))
    # In any wallet, of any length and fineness; some have the id of one before.
    wanted = [
        (
            numbers.randrange(3),
            Decimal(numbers.choice(("1", "2", "2.5", "4", "9", "0.001"))),
            BEGIN + timedelta(hours=numbers.choice((1, 1, 20, 25))),
            numbers.randrange(7),
        )
        for _ in range(8)
    ]
    ids = {key: new_id() for key in range(7)}

    asked = [
        HoldAsked(ids[key], together[place].customer_id, UNIT, amount, until, BEGIN)
        for place, amount, until, key in wanted
    ]
    found = shop.ask(partial(place_holds, organization_id=shop.organization_id, asked=asked))

    expected = []
    again = {key: new_id() for key in range(7)}
    placed: set[int] = set()
    for place, amount, until, key in wanted:
        hours = (until - BEGIN) // timedelta(hours=1)
        try:
            alone[place].hold(str(amount), hours=hours, hold_id=again[key])
        except BillingError:
            expected.append(False)
        else:
            expected.append(key not in placed)
            placed.add(key)
    assert [one is not None for one in found] == expected
    assert [taken_by_place(one) for one in together] == [taken_by_place(one) for one in alone]
