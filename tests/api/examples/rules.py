"""Rules about credit, told as examples."""

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
