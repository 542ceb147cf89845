"""What properties mean that mean the same wherever their name occurs, said once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SAME_EVERYWHERE: Final[Mapping[str, str]] = {
    "id": "The id, a UUID that never changes.",
    "organization_id": "The organization that it belongs to.",
    "created_at": "When it was made.",
    "updated_at": "When it last changed.",
    "currency": "The currency, an ISO 4217 code such as `EUR`.",
    "customer_id": "The customer's id.",
    "subscription_id": "The subscription's id.",
    "plan_id": "The plan's id.",
    "feature_id": "The feature's id.",
    "meter_id": "The meter's id.",
    "charge_id": "The charge's id.",
    "invoice_id": "The invoice's id.",
    "payment_id": "The payment's id.",
    "connection_id": "The id of the connection, an account at a payment provider.",
    "invoice_number": "The invoice's number, such as `INV-2026-0042`; null while it has none.",
    "billing_address_line1": "Street and number of the billing address.",
    "billing_address_city": "The city of the billing address.",
    "billing_address_state": (
        "The state, province or region of the billing address; taxes may depend on it."
    ),
    "billing_address_postal_code": "The postal code of the billing address.",
    "billing_address_country": (
        "The country of the billing address, an ISO 3166-1 code such as `DE`."
    ),
    "period_start": "The begin of the period, itself included.",
    "period_end": "The end of the period, itself excluded.",
    "test_clock_id": "The test clock that it lives on; null where it lives by the wall clock.",
    "timezone": "The IANA time zone, such as `Europe/Berlin`, whose days, weeks and months count.",
    "idempotency_key": "The key under which it happens once, however often it is repeated.",
    "subtotal": "The sum of the lines, before tax.",
    "event_count": "How many events were counted.",
}
