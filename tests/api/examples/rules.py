"""Rules about credit, and charges of one subscription alone, told as examples."""

from __future__ import annotations

from tests.api.examples.chapters import World


def tell_of_recurring_credit(world: World) -> None:
    """A customer has tokens each month, until they have not."""
    tell = world.tell
    monthly = {
        "unit": "TOKENS",
        "amount": 20000,
        "interval": {"interval": "month"},
        "expires_after": {"interval": "month"},
        "rollover": {"times": 1, "max": 5000, "expires_after": {"interval": "month"}},
        "reason": "Included each month",
    }
    recurring = tell("create_grant_rule", monthly, customer_id="harbor")
    tell("list_grant_rules", customer_id="harbor")
    tell("end_grant_rule", customer_id="harbor", grant_rule_id=recurring["id"])


def tell_of_alerts(world: World) -> None:
    """Somebody watches what a customer spends, until nobody does."""
    tell = world.tell
    customer = world.tell.person.get("/api/v1/customers").json()["data"][0]
    cap = {
        "on": "spend",
        "subject": {"customer_id": customer["id"], "unit": "USD"},
        "thresholds": [400, 500],
        "action": "block",
    }
    alert = tell("create_alert", cap)
    tell("list_alerts", query={"customer_id": customer["id"]})
    tell("list_alert_crossings", alert_id=alert["id"])
    tell("end_alert", alert_id=alert["id"])


def tell_of_add_ons(world: World, its: dict[str, str]) -> None:
    """Seats are attached to a subscription, there are more of them, and then none."""
    tell = world.tell
    seats = {"charge": {"type": "FIXED", "unit_price": 12, "display_name": "Seats"}, "quantity": 3}
    add_on_id = tell("attach_add_on", seats, **its)["id"]
    tell("list_add_ons", **its)
    tell("change_add_on", {"quantity": 5}, add_on_id=add_on_id, **its)
    tell("get_add_on", add_on_id=add_on_id, **its)
    tell("end_add_on", add_on_id=add_on_id, **its)
