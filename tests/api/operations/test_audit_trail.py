"""Every change through the API is in the audit log: who, what, before, after, by which request.

Each operation of the document is done once here, or stands among the exceptions of
``tests/api/changes.py`` with its reason.
"""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI

from api.context import AppContext
from services.notifications.deliveries import spread_events
from tests.api.changes import EXCEPTIONS, V1, Story, changing_operations, plan_body, recorded
from tests.api.members_story import tell_of_people
from tests.api.parked_bills import park
from tests.api.people import PASSWORD, Clock, Person
from tests.api.sold import sell

AUDIT = f"{V1}/audit"
LATER = {"frozen_time": "2026-01-02T00:00:00Z"}
HARBOR = {"name": "Harbor", "email": "a@harbor.test", "billing_address_country": "DE"}


@pytest.fixture
def story(app: FastAPI) -> Story:
    return Story(Person(app))


def tell_of_accounts(story: Story) -> None:
    person = story.person
    log_in = {"email": person.email, "password": PASSWORD}
    story.do("POST /auth/signup", log_in | {"organization_name": "Lumen Works"})
    story.do("POST /auth/logout")
    story.do("POST /auth/login", log_in)
    key = {"name": "Backend", "scopes": ["usage.write"]}
    story.do("DELETE /api-keys/{key_id}", key_id=story.do("POST /api-keys", key)["id"])
    story.do("PATCH /organization", {"payment_terms_days": 14})
    story.do("POST /organization/rotate-receipt-key")


def tell_of_the_catalogue(story: Story) -> None:
    meter = {"meter_name": "spare", "aggregation_type": "SUM"}
    meter_id = story.do("POST /meters", {"name": "Spare"} | meter)["id"]
    story.do("PATCH /meters/{meter_id}", {"unit": "calls"}, meter_id=meter_id)
    story.do("DELETE /meters/{meter_id}", meter_id=meter_id)
    feature = {"name": "Seats", "lookup_key": "seats", "type": "switch"}
    feature_id = story.do("POST /features", feature)["id"]
    story.do("PATCH /features/{feature_id}", {"name": "Places"}, feature_id=feature_id)
    plan_id = story.do("POST /plans", plan_body("spare"))["id"]
    story.do("PATCH /plans/{plan_id}", {"name": "Spare 2"}, plan_id=plan_id)
    story.do("PUT /plans/{plan_id}", {"name": "Spare 3"}, plan_id=plan_id)
    grant = {"feature_id": feature_id, "is_enabled": True}
    granted = story.do("POST /plans/{plan_id}/features", grant, plan_id=plan_id)
    ids = {"plan_id": plan_id, "plan_feature_id": granted["id"]}
    story.do("PATCH /plans/{plan_id}/features/{plan_feature_id}", {"is_enabled": False}, **ids)
    story.do("DELETE /plans/{plan_id}/features/{plan_feature_id}", **ids)
    path = "/plans/{plan_id}/commitments"
    committed = story.do(f"POST {path}", {"amount": 100}, plan_id=plan_id)
    its = {"plan_id": plan_id, "commitment_id": committed["id"]}
    story.do(f"DELETE {path}/{{commitment_id}}", **its)
    story.do("DELETE /plans/{plan_id}", plan_id=plan_id)
    story.do("DELETE /features/{feature_id}", feature_id=feature_id)
    rate = story.do("POST /tax-rates", {"name": "VAT", "country": "DE", "percentage": 19})
    story.do("DELETE /tax-rates/{tax_rate_id}", tax_rate_id=rate["id"])


def tell_of_a_subscription(story: Story, context: AppContext, clock: Clock) -> None:
    plan_id, other_id = (story.do("POST /plans", plan_body(name))["id"] for name in ("a", "b"))
    charge = {"type": "FIXED", "unit_price": "10", "display_name": "Base"}
    charge_id = story.do("POST /plans/{plan_id}/charges", charge, plan_id=plan_id)["id"]
    customer = story.do("POST /customers", HARBOR)
    ids = {"customer_id": customer["id"], "plan_id": plan_id}
    terms = {"start_date": "2026-02-01T00:00:00Z", "version_policy": "pinned"}
    subscription = story.do("POST /subscriptions", ids | terms)
    its = {"subscription_id": subscription["id"]}
    park(story.person, context, clock, subscription["id"])
    story.do(
        f"POST /subscriptions/{{subscription_id}}/periods/{PERIOD}/retry", period_index=0, **its
    )
    park(story.person, context, clock, subscription["id"])
    given_up = {"reason": "agreed"}
    path = f"/subscriptions/{{subscription_id}}/periods/{PERIOD}/skip"
    story.do(f"POST {path}", given_up, period_index=0, **its)
    clock.advance(minutes=1)
    changed = {"status": "INACTIVE"}
    path = "/plans/{plan_id}/charges/{charge_id}"
    story.do(f"PATCH {path}", changed, plan_id=plan_id, charge_id=charge_id)
    story.do("POST /plans/{plan_id}/migrate", {}, plan_id=plan_id)
    story.do("PATCH /subscriptions/{subscription_id}", {"threshold_amount": 50}, **its)
    story.do("POST /subscriptions/{subscription_id}/pause", {}, **its)
    story.do("POST /subscriptions/{subscription_id}/resume", **its)
    story.attach_add_on(subscription["id"])
    clock.advance(minutes=1)
    story.do("POST /subscriptions/{subscription_id}/generate-invoice", {}, **its)
    clock.advance(minutes=1)
    move = {"plan_id": other_id, "when": "now"}
    story.do("POST /subscriptions/{subscription_id}/change-plan", move, **its)
    story.do("POST /subscriptions/{subscription_id}/cancel", {}, **its)
    story.do("POST /subscriptions/{subscription_id}/reactivate", **its)
    story.do("DELETE /subscriptions/{subscription_id}", **its)
    tell_of_invoices(story, customer["id"])
    its = {"customer_id": customer["id"]}
    for method, name in (("PATCH", "Harbour"), ("PUT", "Harbor Labs")):
        story.do(f"{method} /customers/{{customer_id}}", {"name": name}, **its)
    story.do("DELETE /customers/{customer_id}", **its)


def tell_of_invoices(story: Story, customer_id: str) -> None:
    line = {"description": "Setup", "quantity": 1, "unit_amount": 100}
    body = {"customer_id": customer_id, "currency": "USD", "due_date": "2026-04-01T00:00:00Z"}
    written = [story.do("POST /invoices", body | {"line_items": [line]}) for _ in range(3)]
    first, second, third = (invoice["id"] for invoice in written)
    edit = {"due_date": "2026-05-01T00:00:00Z"}
    story.do("PUT /invoices/{invoice_id}", edit, invoice_id=first)
    final = story.do("POST /invoices/{invoice_id}/finalize", invoice_id=first)
    given = {"reason": "Late", "lines": [{"line_id": final["line_items"][0]["id"], "amount": 10}]}
    story.do("POST /invoices/{invoice_id}/credit-notes", given, invoice_id=first)
    story.do("POST /invoices/{invoice_id}/generate-token", invoice_id=first)
    story.do("DELETE /invoices/{invoice_id}/public-token", invoice_id=first)
    part = story.do("POST /invoices/{invoice_id}/payments", {"amount": 20}, invoice_id=first)
    story.do("POST /payments/{payment_id}/refund", {"amount": 5}, payment_id=part["id"])
    story.do("POST /invoices/{invoice_id}/pay", invoice_id=first)
    story.do("POST /invoices/{invoice_id}/send-email", invoice_id=first)
    story.do("POST /emails/retry-failed")
    story.do("DELETE /invoices/{invoice_id}", invoice_id=second)
    story.person.post(f"{V1}/invoices/{third}/finalize")
    story.do("PATCH /invoices/{invoice_id}/status", {"status": "VOID"}, invoice_id=third)
    story.do("POST /invoices/{invoice_id}/reissue", invoice_id=third)


def tell_of_clocks_and_events(story: Story) -> None:
    start = {"name": "Clock", "frozen_time": "2026-01-01T00:00:00Z"}
    clocked = {"test_clock_id": story.do("POST /test-clocks", start)["id"]}
    story.do("POST /test-clocks/{test_clock_id}/advance", LATER, **clocked)
    story.do("DELETE /test-clocks/{test_clock_id}", **clocked)
    story.do("POST /organization/sandbox")
    meter = {"name": "Calls", "meter_name": "calls", "aggregation_type": "SUM"}
    story.person.post(f"{V1}/meters", json=meter)
    report = {"meter_name": "calls", "customer_external_id": "acct", "quantity": 5}
    for action, body in (("amend", {"quantity": 7}), ("void", None)):
        event = story.person.post(f"{V1}/usage", json=report).json()
        story.do(f"POST /usage/{{event_id}}/{action}", body, event_id=event["id"])


def tell_of_webhooks(story: Story, context: AppContext) -> None:
    body = {"url": "https://hooks.harbor.test/in", "events": ["invoice.created"]}
    its = {"endpoint_id": story.do("POST /webhook-endpoints", body)["id"]}
    story.do("PATCH /webhook-endpoints/{endpoint_id}", {"events": ["*"]}, **its)
    story.do("POST /webhook-endpoints/{endpoint_id}/rotate-secret", **its)
    tell_of_invoices(story, story.do("POST /customers", {**HARBOR, "external_id": "told"})["id"])
    spread_events(context.transactions, now=context.now())
    told = story.person.get(f"{V1}/webhook-deliveries").json()["data"]
    replay = "POST /webhook-deliveries/{delivery_id}/replay"
    story.do(replay, delivery_id=told[0]["id"])
    story.do("DELETE /webhook-endpoints/{endpoint_id}", **its)
    story.connect_gateway()


@pytest.mark.usefixtures("compared")
def test_every_change_is_recorded_with_who_and_by_which_request(
    story: Story, context: AppContext, clock: Clock
) -> None:
    tell_of_accounts(story)
    tell_of_people(story.do, story.person, context)
    tell_of_the_catalogue(story)
    tell_of_a_subscription(story, context, clock)
    tell_of_clocks_and_events(story)
    tell_of_webhooks(story, context)
    story.write_mails()

    entries = audit_of(story.person)
    actions: dict[str, set[str]] = {}
    for entry in entries:
        actions.setdefault(entry["request_id"], set()).add(entry["action"])
    missing = {
        operation: actions.get(story.request_ids.get(operation, ""), set())
        for operation, action in recorded().items()
        if action not in actions.get(story.request_ids.get(operation, ""), ())
    }
    assert missing == {}
    by_requests = [entry for entry in entries if entry["request_id"] is not None]
    # Whoever forgot a password is nobody yet.
    named = [one for one in by_requests if one["action"] != "user.reset_requested"]
    assert {entry["actor"].partition(":")[0] for entry in named} == {"user"}
    assert recorded().keys() | EXCEPTIONS.keys() == changing_operations()
    assert recorded().keys().isdisjoint(EXCEPTIONS)


def test_settings_are_recorded_before_and_after(owner: Person) -> None:
    owner.patch(f"{V1}/organization", json={"payment_terms_days": 14, "late_usage": "ignore"})

    entry = audit_of(owner)[0]

    assert entry["action"] == "organization.updated"
    assert entry["before"] == {"payment_terms_days": 30, "late_usage": "next_invoice"}
    assert entry["after"] == {"payment_terms_days": 14, "late_usage": "ignore"}


def test_secrets_in_settings_are_recorded_as_changed_and_not_as_values(owner: Person) -> None:
    details = {"iban": "DE02", "portal_password": "hunter2", "ftp": {"Client_Secret": "hunter3"}}
    owner.patch(f"{V1}/organization", json={"bank_details": details})

    entry = audit_of(owner)[0]

    assert entry["after"]["bank_details"] == {
        "iban": "DE02",
        "portal_password": "[redacted]",
        "ftp": {"Client_Secret": "[redacted]"},
    }


def test_of_a_new_subscription_its_terms_are_recorded(owner: Person) -> None:
    sold = sell(owner)
    made = sold.subscribe("2026-03-01T12:00:00Z", billing_anchor="calendar")

    [entry] = [one for one in audit_of(owner) if one["action"] == "subscription.created"]

    assert (entry["object_id"], entry["before"]) == (made["id"], None)
    assert entry["after"] == {
        "customer_id": sold.customer["id"],
        "plan_id": sold.plan["id"],
        "plan_version": None,
        "version_policy": "latest",
        "status": "ACTIVE",
        "start_date": "2026-03-01T12:00:00+00:00",
        "trial_end_date": None,
        "timezone": made["timezone"],
        "billing_anchor": "calendar",
    }


def test_of_a_customer_the_names_of_what_changed_are_recorded_and_no_personal_value(
    owner: Person,
) -> None:
    person = {"name": "Yuki King", "email": "yuki@harbor.test", "phone": "+44 1"}
    address = {"billing_address_line1": "12 St James", "billing_address_country": "GB"}
    made = owner.post(f"{V1}/customers", json=person | address | {"external_id": "yuki"}).json()
    changes = {"name": "Yuki Lovelace", "billing_address_country": "FR"}
    owner.patch(f"{V1}/customers/{made['id']}", json=changes)

    updated, created = audit_of(owner)[:2]

    given = sorted([*person, *address, "external_id"])
    assert created["after"] == {
        "given": given,
        "test_clock_id": None,
        "billing_address_country": "GB",
    }
    changed = ["billing_address_country", "name"]
    assert updated["before"] == {"changed": changed, "billing_address_country": "GB"}
    assert updated["after"] == {"changed": changed, "billing_address_country": "FR"}
    text = owner.get(AUDIT).text
    assert not [value for value in ("Yuki", "yuki", "+44 1", "James") if value in text]


def test_repeated_settings_and_details_are_no_changes(owner: Person) -> None:
    made = owner.post(f"{V1}/customers", json={"name": "Harbor", "email": "a@h.test"}).json()
    before = len(audit_of(owner))

    owner.patch(f"{V1}/organization", json={"payment_terms_days": 30})
    owner.patch(f"{V1}/customers/{made['id']}", json={"name": "Harbor"})

    assert len(audit_of(owner)) == before


PERIOD = "{period_index}"


def audit_of(person: Person) -> list[dict[str, Any]]:
    """The whole log, newest first."""
    entries, query = [], dict[str, Any](page_size=100)
    while True:
        page = person.get(AUDIT, params=query).json()
        entries += page["data"]
        if page["meta"]["next_cursor"] is None:
            return entries
        query["cursor"] = page["meta"]["next_cursor"]
