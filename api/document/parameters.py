"""What parameters mean that no route says it of: one sentence a name, for all operations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from api.document.operations import Document

ID: Final = re.compile(r"(\w+)_id")

QUERY: Final[Mapping[str, str]] = {
    "action": "Only entries of this action, such as `plan.updated`.",
    "actor": "Only what this person or key has done, as entries name it.",
    "after": "Only what comes after the mail of this id, which the answer before names.",
    "api_key_id": "Only what this key sent, by the key's id.",
    "atomic": "Whether one rejected row refuses the whole batch, with 422, and stores nothing.",
    "code": "Only what was refused with this code.",
    "connection_id": "Only those of this connection.",
    "counted": "Only events that pass the meter's filters (`true`), or that do not (`false`).",
    "country": "Only those of this country, by its two letters of ISO 3166-1.",
    "create_customers": "Whether a `customer_external_id` that is not known becomes a customer.",
    "currency": "Only what is in this currency, by its three letters of ISO 4217.",
    "customer_id": "Only what is of this customer, by the customer's id.",
    "einvoice_valid": "Only those whose e-invoice is valid (`true`), or is not (`false`).",
    "end_date": "Until when: a date of the organization's calendar, itself included, or an instant,"
    " itself excluded.",
    "endpoint_id": "Only deliveries to this endpoint.",
    "event": "Only deliveries of this event.",
    "format": "How the journal is written.",
    "group_by": "The calendar units that usage is told by.",
    "idempotency_key": "Only the event that was sent under this key, which is compared exactly.",
    "invoice_id": "Only those of this invoice.",
    "is_active": "Only plans that take new subscriptions (`true`), or that do not (`false`).",
    "key_id": "Only the key of this id, as receipts name it.",
    "late": "Only events that came when the invoice of their period was final (`true`), or in time"
    " (`false`).",
    "meter_id": "Only what is on this meter, by the meter's id.",
    "method": "Only those of this HTTP method, in capital letters.",
    "needs_attention": "Only those with a parked bill, which waits for somebody (`true`), or those"
    " without one (`false`).",
    "object_type": "Only entries about things of this kind, such as `plan`.",
    "on_test_clock": "Only those on some test clock (`true`), or those on none (`false`), for whom"
    " time is what it is.",
    "outcome": "Only requests that were done (`succeeded`), or that were not (`failed`).",
    "page_size": "How many a page holds.",
    "path": "Only those whose path begins so, such as `/api/v1/usage`.",
    "period_ends_before": "Only live ones whose running period ends before this instant: what"
    " closes tonight, with what should have closed before. Time on a test clock is another: leave"
    " them out by `on_test_clock`.",
    "request_id": "Only the request of this `X-Request-Id`, if it is told by itself.",
    "results": "Whether the answer tells of all rows, or of rejected ones alone (`errors`).",
    "start_date": "From when, itself included: a date of the organization's calendar, or an"
    " instant.",
    "status": "Only those in this state.",
    "subscription_id": "Only those of this subscription.",
    "test_clock_id": "Only those on this test clock.",
    "type": "Only those of this type.",
    "voided": "Only events that were taken back (`true`), or were not (`false`).",
}
PATH: Final[Mapping[str, str]] = {
    "add_on_id": "The add-on's id.",
    "alert_id": "The alert's id.",
    "event_id": "The usage event's id.",
    "grant_rule_id": "The id of the rule that grants credit.",
    "key_id": "The API key's id.",
    "kind": "Which mail it is.",
    "language": "The language of the mail, such as `de`.",
    "lookup_key": "The feature's `lookup_key`.",
    "method_id": "The payment method's id.",
    "provider": "The gateway's provider.",
    "rule_id": "The top-up rule's id.",
}


def describe_parameters(operation: Document) -> None:
    """Every parameter that is not in words yet is."""
    for one in operation.get("parameters", ()):
        if not one.get("description"):
            words = _of_path(one["name"]) if one["in"] == "path" else QUERY.get(one["name"])
            if words is not None:
                one["description"] = words


def _of_path(name: str) -> str | None:
    found = ID.fullmatch(name)
    derived = f"The {found[1].replace('_', ' ')}'s id." if found else None
    return PATH.get(name, derived)
