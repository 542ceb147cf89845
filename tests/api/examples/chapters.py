"""One organization from its first minute to a paid invoice of $82.45, and what else there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from activities.subscriptions import SubscriptionActivities
from api.context import AppContext
from services.invoicing import parking
from services.subscriptions import agenda, clocks
from tests.api.examples.recorder import Storyteller
from tests.api.members_story import tell_of_members, tell_of_own_account
from tests.api.people import Clock, Person
from tests.workflows.acting import perform_entry

EMAIL, PASSWORD = "ada@lumenworks.example", "correct-horse-9"
SECOND = "grace@lumenworks.example"
CUSTOMER = {
    "name": "Harbor Labs",
    "email": "ap@harbor.example",
    "external_id": "harbor",
    "billing_address_line1": "1 Quay Street",
    "billing_address_city": "Portland",
    "billing_address_state": "OR",
    "billing_address_postal_code": "97201",
    "billing_address_country": "US",
}
JANUARY, FEBRUARY, MARCH = (f"2026-0{month}-01T00:00:00Z" for month in (1, 2, 3))


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Who tells, and what is beside the API: the clock on the wall, and the workflows."""

    tell: Storyteller
    context: AppContext
    clock: Clock

    @property
    def organization_id(self) -> UUID:
        """Whose story it is."""
        return UUID(self.tell("get_organization")["id"])

    @property
    def person(self) -> Person:
        """Whose requests they are."""
        assert isinstance(self.tell.person, Person)
        return self.tell.person

    def named(self, operation: str, body: Any = None, **path: Any) -> Any:
        """Do an operation by its method and path, as ``GET /members``; what it answered."""
        method, place = operation.split()
        names = {where[:2]: name for name, where in self.tell.places.items()}
        return self.tell(names[method, f"/api/v1{place}"], body, **path)

    def work(self, subscription_id: str) -> None:
        """All that is due on the clock of a subscription happens, as by its workflow."""
        owner_id, its_id = self.organization_id, UUID(subscription_id)
        activities = SubscriptionActivities(self.context.transactions, self.context.now)
        with self.context.transactions.for_organization(owner_id) as session:
            state = agenda.get_state(session, owner_id, its_id)
        while state.agenda and state.clock_at and state.agenda[0].due_at <= state.clock_at:
            state = perform_entry(activities, str(owner_id), subscription_id, state.agenda[0])
        if state.clock_at is not None:
            with self.context.transactions.for_organization(owner_id) as session:
                clocks.record_progress(session, owner_id, its_id, state.clock_at)

    def park(self, subscription_id: str) -> None:
        """The bill of the first period cannot go on, and waits for somebody."""
        owner_id = self.organization_id
        with self.context.transactions.for_organization(owner_id) as session:
            parking.park_bill(
                session,
                owner_id,
                UUID(subscription_id),
                period_index=0,
                step="price_usage",
                reason="A rule of the plan could not be applied.",
                at=self.clock(),
                now=self.clock(),
            )


def tell_of_the_organization(world: World) -> None:
    """Somebody signs up, comes back, says how to bill, and makes a key for the backend."""
    tell = world.tell
    log_in = {"email": EMAIL, "password": PASSWORD}
    tell("sign_up", log_in | {"organization_name": "Lumen Works"})
    tell("log_out")
    tell("log_in", log_in)
    tell("refresh_session")
    settings = {
        "legal_name": "Lumen Works Inc.",
        "currency": "USD",
        "timezone": "UTC",
        "payment_terms_days": 30,
        "grace_period_minutes": 60,
        "billing_address_line1": "5 Mill Road",
        "billing_address_city": "Boston",
        "billing_address_country": "US",
    }
    tell("update_organization", settings)
    tell("create_api_key", {"name": "Backend", "scopes": ["usage.read", "usage.write"]})
    old = tell("create_api_key", {"name": "Old backend", "scopes": ["usage.write"]})
    tell("list_api_keys")
    tell("revoke_api_key", key_id=old["id"])
    world.person.post("/api/v1/usage", json={}, headers={"X-API-Key": old["key"]})
    tell("list_requests", query={"outcome": "failed"})
    tell("list_problems")
    tell("rotate_receipt_key")


def tell_of_the_catalog(world: World) -> None:
    """Calls are metered, and sold at a tenth of a cent each."""
    tell = world.tell
    calls = {
        "name": "API calls",
        "lookup_key": "api_calls",
        "type": "meter",
        "meter_name": "api_calls",
        "property_name": "calls",
        "aggregation_type": "SUM",
        "unit": "calls",
    }
    feature = tell("create_feature", calls)
    tell("list_features")
    tell("get_feature", feature_id="api_calls")
    tell("update_feature", {"description": "Calls of the public API."}, feature_id="api_calls")
    storage = {"meter_name": "storage", "name": "Storage", "aggregation_type": "MAX"}
    tell("create_meter", storage | {"property_name": "gigabytes", "unit": "GB"})
    tell("list_meters")
    tell("get_meter", meter_id="api_calls")
    tell("update_meter", {"name": "Stored data"}, meter_id="storage")
    tell("delete_meter", meter_id="storage")
    plan = {
        "name": "Pay as you go",
        "lookup_id": "payg",
        "type": "USAGE",
        "billing_interval": "month",
        "currency": "USD",
    }
    tell("create_plan", plan)
    price = {"type": "USAGE", "meter_id": feature["meter_id"], "unit_price": 0.001}
    tell("add_charge", price | {"display_name": "API calls"}, plan_id="payg")
    tell("add_plan_feature", {"feature_id": feature["id"], "is_enabled": True}, plan_id="payg")
    tell("list_plans")
    tell("get_plan", plan_id="payg")
    tell("create_tax_rate", {"name": "VAT", "country": "DE", "percentage": 19})
    rate = tell("list_tax_rates")["data"][0]["id"]
    tell("get_tax_rate", tax_rate_id=rate)
    tell("delete_tax_rate", tax_rate_id=rate)
    tell_of_plan_edits(world, plan, feature["id"])


def tell_of_other_prices(world: World) -> None:
    """What a million calls would cost, and what dearer ones would come to for whom."""
    tell = world.tell
    [charge, *_] = [one for one in tell("get_plan", plan_id="payg")["charges"] if one["meter_id"]]
    used = {"meter_id": charge["meter_id"], "quantity": 1_000_000}
    tell("price_plan", {"quantities": [used]}, plan_id="payg")
    dear = {"type": "USAGE", "meter_id": charge["meter_id"], "unit_price": 0.002}
    edit = {"add": [dear], "deactivate": [charge["id"]]}
    tell("preview_plan_edit", {"edit": edit}, plan_id="payg")


def granted(feature_id: str) -> dict[str, object]:
    """A million calls a month."""
    limits = {"usage_limit": 1_000_000, "usage_reset_period": "MONTH"}
    return {"feature_id": feature_id, "is_enabled": True} | limits


def tell_of_plan_edits(world: World, plan: dict[str, str], feature_id: str) -> None:
    """A second plan is made, changed in every way, and one more taken away."""
    tell = world.tell
    tell("create_plan", plan | {"name": "Flat", "lookup_id": "flat", "type": "FIXED"})
    base = {"type": "FIXED", "unit_price": 49, "display_name": "Base fee"}
    tell("add_charge", base, plan_id="flat")
    dear = tell("add_charge", base | {"unit_price": 59}, plan_id="flat")
    off = {"status": "INACTIVE"}
    tell("deactivate_charge", off, plan_id="flat", charge_id=dear["id"])
    tell("update_plan", {"description": "One price a month."}, plan_id="flat")
    tell("put_plan", {"name": "Flat fee"}, plan_id="flat")
    tell("add_plan_feature", granted(feature_id), plan_id="flat")
    its = {"plan_id": "flat", "plan_feature_id": "api_calls"}
    tell("update_plan_feature", {"usage_limit": 2_000_000}, **its)
    tell("remove_plan_feature", **its)
    committed = tell("add_commitment", {"amount": 12_000, "term_periods": 12}, plan_id="flat")
    tell("list_commitments", plan_id="flat")
    tell("end_commitment", plan_id="flat", commitment_id=committed["id"])
    tell("migrate_plan", {"preview": True}, plan_id="flat")
    tell("search_everything", query={"q": "flat"})
    tell("list_plan_changes", plan_id="flat", query={"page_size": 2})
    tell("list_version_subscriptions", plan_id="flat", version=1)
    tell("create_plan", plan | {"name": "Trial", "lookup_id": "trial"})
    tell("delete_plan", plan_id="trial")
    tell("create_feature", {"name": "Single sign-on", "lookup_key": "sso", "type": "switch"})
    tell("delete_feature", feature_id="sso")


def tell_of_a_month(world: World) -> dict[str, str]:
    """A customer on a test clock uses 82,450 calls in January and owes $82.45."""
    tell = world.tell
    end = "2026-01-31T12:00:00Z"
    clock_id = tell("create_test_clock", {"name": "January", "frozen_time": end})["id"]
    customer = tell("create_customer", CUSTOMER | {"test_clock_id": clock_id})
    plan_id = tell("get_plan", plan_id="payg")["id"]
    terms = {"customer_id": customer["id"], "plan_id": plan_id, "start_date": JANUARY}
    subscription = tell("create_subscription", terms)
    its, its_clock = {"subscription_id": subscription["id"]}, {"test_clock_id": clock_id}
    event = {
        "customer_external_id": "harbor",
        "meter_name": "api_calls",
        "timestamp": "2026-01-10T09:30:00Z",
        "idempotency_key": "request-1",
        "properties": {"calls": 450},
    }
    tell("record_usage", event)
    rows = [
        event | {"idempotency_key": f"request-{n}", "properties": {"calls": calls}}
        for n, calls in ((2, 50_000), (3, 32_000))
    ]
    tell("record_usage_batch", rows, query={"atomic": True})
    tell("list_entitlements", customer_id="harbor")
    tell("get_entitlement", customer_id="harbor", lookup_key="api_calls")
    tell("preview_invoice", {"at": FEBRUARY}, **its)
    tell_of_other_prices(world)
    tell("get_subscription_usage", **its)
    tell("advance_test_clock", {"frozen_time": "2026-02-01T02:00:00Z"}, **its_clock)
    world.work(subscription["id"])
    tell("get_test_clock", **its_clock)
    tell("list_test_clocks")
    invoice = tell("list_customer_invoices", customer_id="harbor")["data"][0]
    assert float(invoice["total"]) == 82.45, invoice
    return {"invoice_id": invoice["id"], "number": invoice["invoice_number"], **its}


def tell_of_the_team(world: World) -> None:
    """Somebody else takes over, and does with their account what can be done."""
    tell_of_members(world.named, world.person, email=SECOND)
    tell_of_own_account(world.named, world.person, world.context, email=SECOND)
