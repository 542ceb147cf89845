"""More of everything that screens show, and more in each thing that they show."""

from __future__ import annotations

from collections.abc import Mapping

from tests.api.people import Clock, Person
from tests.api.sold import V1, add_feature, add_plan, grant_feature, post
from tests.console.billed import bill, buyer, issue, write
from tests.console.workspace.test_paging import add_alert, add_coupon, add_grant, add_rule

Ids = Mapping[str, str]


def add_customer(owner: Person, ids: Ids, number: int) -> None:
    """Somebody else, with a bill that is paid, one that waits and one that is overdue."""
    customer = buyer(owner, external_id=f"acct_{number}", name=f"Buyer {number}")
    paid = issue(owner, customer)
    post(owner, f"/invoices/{paid['id']}/payments", {"amount": 10, "reference": f"FT-{number}"})
    issue(owner, customer)
    write(owner, customer, "Setup")
    subscribed = {"customer_id": customer, "plan_id": ids["plans"]}
    post(owner, "/subscriptions", subscribed | {"start_date": "2026-03-01T00:00:00Z"})
    post(owner, f"/customers/{customer}/coupons", {"code": "SPRING"})


def add_to_customer(owner: Person, ids: Ids, number: int) -> None:
    """Everything that one customer can have many of."""
    for add in (add_alert, add_coupon, add_grant, add_rule):
        add(owner, ids["customers"], number)
    post(owner, f"/customers/{ids['customers']}/grants", {"unit": "TOKENS", "amount": number})
    held = {"customer_id": ids["customers"], "unit": "TOKENS", "amount": 1}
    post(owner, "/credits/holds", held | {"expires_at": "2026-03-02T12:00:00Z"})
    issue(owner, ids["customers"])


def add_to_subscription(owner: Person, ids: Ids, number: int) -> None:
    """An add-on, and usage that is billed now."""
    path = f"/subscriptions/{ids['subscriptions']}"
    post(
        owner,
        f"{path}/add-ons",
        {"charge": {"unit_price": 5_000, "display_name": f"Seat {number}"}},
    )
    event = {"meter_name": "api_calls", "customer_external_id": "acct_77", "quantity": 2_000}
    post(owner, "/usage", event | {"idempotency_key": f"more-{number}"})
    bill(owner, {"id": ids["subscriptions"]})


def add_to_invoice(owner: Person, ids: Ids, number: int) -> None:
    """A part of it is paid, and a part forgiven."""
    path = f"/invoices/{ids['invoices']}"
    post(owner, f"{path}/payments", {"amount": 0.1, "reference": f"PART-{number}"})
    [line, *_] = owner.get(V1 + path).json()["line_items"]
    credited = {"line_id": line["id"], "amount": 0.1}
    post(owner, f"{path}/credit-notes", {"reason": f"part {number}", "lines": [credited]})


def add_to_plan(owner: Person, ids: Ids, number: int) -> None:
    """A feature with a meter of its own, its price, and another plan with it."""
    name = f"pages_{number}"
    feature = add_feature(owner, name, name=f"Pages {number}")
    plan = add_plan(owner, f"plan-{number}")
    charge = {"type": "USAGE", "meter_id": feature["meter"]["id"], "unit_price": 0.01}
    for place in (ids["plans"], plan["id"]):
        grant_feature(owner, {"id": place}, feature, usage_limit=100)
        post(owner, f"/plans/{place}/charges", charge)
    counted = {"type": "USAGE", "meter_id": ids["meters"], "unit_price": 0.02}
    post(owner, f"/plans/{plan['id']}/charges", counted)


def add_to_clock(owner: Person, ids: Ids, number: int) -> None:
    """Another clock, and another customer who lives by the first."""
    named = {"name": f"Try {number}", "frozen_time": "2026-01-01T00:00:00Z"}
    post(owner, "/test-clocks", named)
    whose = {"test_clock_id": ids["test-clocks"], "external_id": f"clocked_{number}"}
    customer = buyer(owner, **whose)
    subscribed = {"customer_id": customer, "plan_id": ids["plans"]}
    post(owner, "/subscriptions", subscribed | {"start_date": "2026-01-01T00:00:00Z"})


def add_to_organization(owner: Person, _ids: Ids, number: int) -> None:
    """A colleague, somebody invited, a key, an endpoint, a unit, and what a key was refused."""
    owner.invite("developer")
    post(owner, "/invitations", {"email": f"later{number}@lumenworks.test", "role": "billing"})
    url = f"https://hooks{number}.lumenworks.test"
    post(owner, "/webhook-endpoints", {"url": url, "events": ["*"]})
    post(owner, "/units", {"code": f"UNIT{number}", "name": "Units", "scale": 0})
    key = {"X-API-Key": owner.make_key("usage.write")}
    owner.post(f"{V1}/usage", json={"meter_name": "none", "quantity": number}, headers=key)


ADDITIONS = (
    *(add_customer, add_to_customer, add_to_subscription, add_to_invoice),
    *(add_to_plan, add_to_clock, add_to_organization),
)


def add_rows(owner: Person, ids: Ids, clock: Clock, first: int, last: int) -> None:
    """One more of each with every number, a minute after the last."""
    for number in range(first, last):
        clock.advance(minutes=1)
        for add in ADDITIONS:
            add(owner, ids, number)
