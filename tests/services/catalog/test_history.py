"""Who changed which price, from what to what, and exactly whom it met."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

import pytest
from sqlalchemy import Engine

from billing.errors import NotFound
from billing.rating.terms import ChargeStatus
from repositories.subscriptions import subscriptions
from services.audit_log import ACTOR, REQUEST_ID
from services.catalog import charges, history, meters
from services.catalog.history import FIRST, Met, PlanChange
from services.catalog.term_changes import TermPart
from tests.services.audit_logs import owner_of, tamper
from tests.services.catalog.test_edits import FEBRUARY, MARCH, RUNNING, TENTH, begin
from tests.services.corrections import late as late_in
from tests.services.corrections.late import Late
from tests.services.lives import START, Life
from tests.services.plan_fees import WallLife, add_fee, fee
from tests.services.shop import NOW, Shop


@pytest.fixture
def owner(module_database_url: str) -> Iterator[Engine]:
    """Whoever may change anything."""
    engine = owner_of(module_database_url)
    yield engine
    engine.dispose()


def changes_of(shop: Shop, plan_id: UUID, *, limit: int = 20) -> list[PlanChange]:
    return shop.read(history.list_plan_changes, plan_id, limit=limit)


def met_by(shop: Shop, plan_id: UUID, version: int, *, limit: int = 20) -> Met:
    return shop.read(history.list_met, plan_id, version, after=FIRST, limit=limit)


def test_change_says_who_made_it_and_what_it_was_before_and_after(shop: Shop) -> None:
    life = begin(shop)
    plan_id = life.row().plan_id
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.info.update({ACTOR: "user:7", REQUEST_ID: "the-request"})
        added = charges.add_charge(session, shop.organization_id, plan_id, fee("99"), now=NOW)

    newest, *_, first = changes_of(shop, plan_id)

    assert (newest.made.actor, newest.made.request_id) == ("user:7", "the-request")
    assert newest.made.created_at == NOW
    assert newest.is_as_published is True
    [change] = newest.changes
    assert (change.part, change.id, change.before) == (TermPart.CHARGE, added.result.id, None)
    assert change.after is not None
    assert change.after["unit_price"] == "99"
    assert first.made.version == 1
    assert [one.part for one in first.changes] == [TermPart.PLAN]


def test_rule_of_a_meter_is_a_change_of_every_plan_that_charges_it(shop: Shop) -> None:
    life = begin(shop)
    details = meters.MeterDetails(name="Calls to us")
    command = meters.UpdateMeter(details=details, given=frozenset({"name"}))
    shop.do(meters.update_meter, life.meter_id(), command)

    newest, *_ = changes_of(shop, life.row().plan_id)

    [change] = newest.changes
    assert change.part is TermPart.CHARGE
    assert change.before is not None
    assert change.after is not None
    assert change.before.keys() == change.after.keys() == {"meter"}


def test_charge_that_goes_is_shown_as_it_was(shop: Shop) -> None:
    life = begin(shop)
    plan_id = life.row().plan_id
    charge = shop.do(charges.add_charge, plan_id, fee("99")).result
    shop.do(charges.set_charge_status, plan_id, charge.id, ChargeStatus.INACTIVE)

    newest, *_ = changes_of(shop, plan_id)

    [change] = newest.changes
    assert change.after is None
    assert change.before is not None
    assert change.before["unit_price"] == "99"


def test_terms_that_were_changed_behind_our_back_are_told(shop: Shop, owner: Engine) -> None:
    life = begin(shop)
    tamper(
        owner,
        shop,
        "UPDATE plan_version SET terms = jsonb_set(terms, '{currency}', '\"EUR\"')"
        " WHERE organization_id = %(organization)s AND version = 2",
    )

    found = {one.made.version: one.is_as_published for one in changes_of(shop, life.row().plan_id)}

    assert found == {3: True, 2: False, 1: True}


def test_changes_are_listed_part_by_part(shop: Shop) -> None:
    life = begin(shop)
    plan_id = life.row().plan_id
    whole = changes_of(shop, plan_id)

    first = changes_of(shop, plan_id, limit=1)
    rest = shop.read(history.list_plan_changes, plan_id, before=3, limit=20)

    assert [*first, *rest] == whole
    with pytest.raises(NotFound):
        changes_of(shop, UUID(int=1))


def numbers(met: Met, life: Life) -> Sequence[tuple[int | None, bool]]:
    """The periods whose invoices a version was used for, by the order of the life's invoices."""
    place = {one.id: index for index, one in enumerate(life.invoices())}
    return [
        (place[one.invoice_id], one.is_late) for one in met.invoices.get(life.subscription_id, ())
    ]


def test_change_meets_the_subscriptions_whose_periods_it_bills_and_no_other(shop: Shop) -> None:
    life = begin(shop)
    plan_id = life.row().plan_id
    life.advance(TENTH)
    add_fee(shop, plan_id, "99")  # version 4, for February
    add_fee(shop, plan_id, "7")  # version 5, before February begins
    life.advance(MARCH)

    january, nobody, since = (met_by(shop, plan_id, version) for version in (3, 4, 5))

    [met] = january.subscriptions
    assert (met.subscription_id, met.customer_id) == (life.subscription_id, life.row().customer_id)
    assert (met.period_count, met.first_start, met.last_end) == (1, START, FEBRUARY)
    assert numbers(january, life) == [(0, False)]
    assert nobody.subscriptions == []
    [met] = since.subscriptions
    assert (met.period_count, met.first_start) == (2, FEBRUARY)
    assert numbers(since, life) == [(1, False)]


def test_every_period_is_of_exactly_one_version(shop: Shop) -> None:
    life = begin(shop)
    plan_id = life.row().plan_id
    for day in (TENTH, FEBRUARY, MARCH):
        life.advance(day)
        add_fee(shop, plan_id, "1", effective=RUNNING if day == FEBRUARY else None)

    periods = life.do(subscriptions.list_periods)
    counts: dict[int, int] = {}
    for change in changes_of(shop, plan_id):
        version = change.made.version
        for met in met_by(shop, plan_id, version).subscriptions:
            counts[version] = met.period_count

    assert counts == {
        version: sum(1 for one in periods if one.plan_version == version)
        for version in {one.plan_version for one in periods}
    }


def test_version_meets_customers_part_by_part_and_not_those_of_another_organization(
    shop: Shop, other_shop: Shop
) -> None:
    plan = shop.add_plan()
    add_fee(shop, plan.id, "10")
    lives = sorted(WallLife(shop, plan, starts_at=NOW).id for _ in range(5))
    begin(other_shop)

    seen: list[UUID] = []
    after = FIRST
    while part := shop.read(history.list_met, plan.id, 2, after=after, limit=2).subscriptions:
        seen += [one.subscription_id for one in part]
        after = seen[-1]

    assert seen == lives
    with pytest.raises(NotFound, match="no version 9"):
        met_by(shop, plan.id, 9)
    with pytest.raises(NotFound):
        met_by(other_shop, plan.id, 2)


def test_late_usage_meets_the_version_that_prices_it(shop: Shop) -> None:
    late = Late(shop)
    plan_id = late.life.row().plan_id
    late.use(TENTH, 100)
    late.advance(late_in.FEBRUARY)
    add_fee(shop, plan_id, "9")
    late.use(TENTH, 5)
    late.advance(late_in.MARCH)
    late.advance(late_in.APRIL)

    assert numbers(met_by(shop, plan_id, 2), late.life) == [(0, False), (1, False), (1, True)]
    assert numbers(met_by(shop, plan_id, 3), late.life) == [(2, False)]
