"""Two requests at once never bill an instant twice: the database decides which came first."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy.exc import OperationalError

from billing.errors import Conflict
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
