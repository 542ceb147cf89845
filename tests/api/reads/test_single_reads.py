"""Reads of one thing show what the rows say, byte for byte, to whoever may see it."""

from __future__ import annotations

from uuid import UUID

from api.context import AppContext
from api.routers.subscriptions.subscriptions import view_one
from api.schemas.catalog.plans import view_plan
from api.schemas.customers import view_customer
from api.transport.exact_json import dump_json
from repositories.catalog.plans import find_plan
from repositories.customers import find_customer
from repositories.subscriptions.subscriptions import find_subscription
from services.catalog.plans import read_contents
from tests.api.people import Person
from tests.api.sold import V1, post, sell


def test_customer_plan_and_subscription_are_those_of_the_rows(
    owner: Person, context: AppContext
) -> None:
    sold = sell(owner, usage_limit="1000.50")
    charge = {"type": "FIXED", "unit_price": "19.9900000000000000001"}
    post(owner, f"/plans/{sold.plan['id']}/charges", charge)
    subscription_id = UUID(sold.subscribe()["id"])
    organization_id = UUID(owner.get(f"{V1}/organization").json()["id"])

    customer = owner.get(f"{V1}/customers/{sold.customer['id']}")
    plan = owner.get(f"{V1}/plans/{sold.plan['id']}")
    subscription = owner.get(f"{V1}/subscriptions/{subscription_id}")

    with context.transactions.for_organization(organization_id) as session:
        stored = find_customer(session, organization_id, UUID(sold.customer["id"]))
        assert stored is not None
        assert customer.content == dump_json(view_customer(stored))
        sold_plan = find_plan(session, organization_id, UUID(sold.plan["id"]))
        assert sold_plan is not None
        assert plan.content == dump_json(view_plan(read_contents(session, sold_plan)))
        subscribed = find_subscription(session, organization_id, subscription_id)
        assert subscribed is not None
        view = dump_json(view_one(session, subscribed))
    assert subscription.content.startswith(view[:-1] + b',"plan":{')
    assert [one["lookup_key"] for one in subscription.json()["plan"]["features"]] == ["api_calls"]


def test_deleted_plan_and_customer_are_not_found(owner: Person) -> None:
    sold = sell(owner)
    for path in (f"{V1}/customers/{sold.customer['id']}", f"{V1}/plans/{sold.plan['id']}"):
        assert owner.delete(path).status_code == 204

        answer = owner.get(path)

        noun = "customer" if "customers" in path else "plan"
        assert (answer.status_code, answer.json()["code"]) == (404, f"{noun}_not_found")
