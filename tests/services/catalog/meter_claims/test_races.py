"""Two requests at once never bill an instant twice: the database decides which came first."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier
from uuid import UUID

from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from billing.errors import Conflict
from models.base import new_id
from repositories.catalog import meter_claims
from repositories.catalog.meter_claims import Spans
from services import customers
from services.customers import CreateCustomer, CustomerDetails
from services.lifecycle.plan_changes import change_plan
from services.subscriptions.start import CreateSubscription, create_subscription
from tests.services.shop import NOW, Shop


def at_once(*actions: Callable[[], object]) -> list[str]:
    """What became of actions that begin together, in order of the words."""
    barrier = Barrier(len(actions))

    def run(action: Callable[[], object]) -> str:
        barrier.wait()
        try:
            action()
        except Conflict as error:
            return error.code
        except OperationalError:
            return "write_conflict"  # a deadlock, which the database resolved
        return "done"

    with ThreadPoolExecutor(len(actions)) as threads:
        return sorted(threads.map(run, actions))


def add_customer(shop: Shop) -> CreateSubscription:
    """A customer, as the first half of the command that subscribes it."""
    plan = shop.add_plan(f"plan_{NOW:%d}")
    details = CustomerDetails(name="Harbor Labs", email="ap@harbor.test")
    customer = shop.do(customers.create_customer, CreateCustomer(details=details))
    return CreateSubscription(customer_id=customer.id, plan_id=plan.id, start_date=NOW)


def test_two_creations_at_once_leave_one_subscription(shop: Shop) -> None:
    command = add_customer(shop)
    meter = shop.add_meter()
    plan = shop.add_plan("metered")
    shop.add_usage_charge(plan, meter.id)
    command = CreateSubscription(customer_id=command.customer_id, plan_id=plan.id, start_date=NOW)

    for_all = [lambda: shop.do(create_subscription, command)] * 4

    assert at_once(*for_all) == ["done"] + ["meter_already_billed"] * 3


def test_two_plan_changes_at_once_onto_one_meter_leave_one(shop: Shop) -> None:
    command = add_customer(shop)
    meter = shop.add_meter()
    plan = shop.add_plan("metered")
    shop.add_usage_charge(plan, meter.id)
    mine = [shop.do(create_subscription, command) for _ in range(2)]

    def change(place: int) -> None:
        with shop.transactions.for_organization(shop.organization_id) as session:
            change_plan(
                session,
                shop.organization_id,
                mine[place].id,
                plan.id,
                at_period_end=True,
                now=NOW,
            )

    became = at_once(lambda: change(0), lambda: change(1))

    assert became.count("done") == 1
    assert set(became) <= {"done", "meter_already_billed", "write_conflict"}


class Lane:
    """A customer and a meter, which one subscription after the other charges for a day each."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.customer_id, self.meter_id = shop, new_id(), new_id()
        self.subscription_ids = [new_id() for _ in range(8)]

    def write(self, change: Callable[[Session, Spans], None], day: int) -> None:
        """Claim, or give up, the day of one of them."""
        starts_at = NOW + timedelta(days=day)
        parameters = {
            "organization_id": self.shop.organization_id,
            "customer_id": self.customer_id,
            "subscription_id": self.subscription_ids[day],
            "meter_id": self.meter_id,
            "starts_at": starts_at,
            "ends_at": starts_at + timedelta(days=1),
        }
        statement = """
            SELECT CAST(:customer_id AS uuid) AS customer_id,
                CAST(:subscription_id AS uuid) AS subscription_id,
                CAST(:meter_id AS uuid) AS meter_id,
                CAST(:starts_at AS timestamptz) AS starts_at,
                CAST(:ends_at AS timestamptz) AS ends_at
        """
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            change(session, Spans(statement=statement, parameters=parameters))

    def claimed(self) -> list[UUID]:
        claims = self.shop.read(meter_claims.list_claims, self.customer_id)
        return [one.subscription_id for one in claims]


def test_claims_written_at_once_lose_nothing_of_each_other(shop: Shop) -> None:
    for _ in range(5):
        lane = Lane(shop)
        claims = [partial(lane.write, meter_claims.claim, day) for day in range(8)]
        leavings = [partial(lane.write, meter_claims.give_up, day) for day in range(4)]

        at_once(*claims[:4])
        assert lane.claimed() == lane.subscription_ids[:4]
        at_once(*leavings, *claims[4:])
        assert lane.claimed() == lane.subscription_ids[4:]
