"""Exports of OpenMeter: answers of its API, events included.

*Source: docs/migration/openmeter.md*
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from cli.migration.exports import Record, instant, present
from cli.migration.openmeter_plans import plan_of
from cli.migration.wanted import (
    Body,
    NoCounterpart,
    Wanted,
    WantedCustomer,
    WantedFeature,
    WantedSubscription,
)
from cli.output import Refusal

AGGREGATIONS = {name: name for name in ("SUM", "COUNT", "UNIQUE_COUNT", "AVG", "MIN", "MAX")} | {
    "LATEST": "LAST"
}
SIGNS = {
    "event": {"specversion", "type", "subject"},
    "stored event": {"event", "ingestedAt"},
    "meter": {"slug", "aggregation"},
    "plan": {"phases", "key"},
    "subscription": {"customerId", "activeFrom"},
    "customer": {"usageAttribution", "name"},
    "feature": {"key", "name"},
    "subject": {"key"},
}
"""What each kind of object has and no other before it does."""


def translate(records: Sequence[Record]) -> Wanted:
    """What these objects ask for here."""
    kinds: dict[str, list[Body]] = defaultdict(list)
    for record in records:
        kinds[_kind_of(record)].append(record.body)
    wanted = Wanted()
    _translate_features(kinds, wanted)
    features = {one.body["lookup_key"]: one for one in wanted.features}
    for plan in kinds["plan"]:
        with wanted.skipping(f"plan {plan['key']}") as source:
            wanted.plans.append(plan_of(plan, source, features, wanted))
    keys = _translate_customers(kinds, wanted)
    for subscription in kinds["subscription"]:
        with wanted.skipping(f"subscription {subscription['id']}") as source:
            wanted.subscriptions.append(_subscription_of(subscription, source, keys))
    events = [*kinds["event"], *(one["event"] for one in kinds["stored event"])]
    wanted.events.extend(_events_of(events, kinds["meter"], keys, wanted))
    return wanted


def _kind_of(record: Record) -> str:
    for kind, fields in SIGNS.items():
        if fields <= set(record.body):
            return kind
    raise Refusal(f"An object with {', '.join(list(record.body)[:5])} … is none of OpenMeter's.")


def _translate_features(kinds: Mapping[str, Sequence[Body]], wanted: Wanted) -> None:
    """A meter comes with the first feature that names it, else with one of its own name."""
    measured: dict[str, Body] = {}
    for feature in kinds["feature"]:
        with wanted.skipping(f"feature {feature['key']}") as source:
            if feature.get("archivedAt"):
                raise NoCounterpart("it is archived")
            if feature.get("meterGroupByFilters") or feature.get("advancedMeterGroupByFilters"):
                raise NoCounterpart("it filters its meter: make a meter with these filters")
            slug = feature.get("meterSlug")
            if slug is None:
                kind = _kind_of_grant(feature["key"], kinds["plan"])
                body = {"name": feature["name"], "lookup_key": feature["key"], "type": kind}
                wanted.features.append(WantedFeature(source=source, body=body))
            elif slug in measured:
                body = {"name": feature["name"], "lookup_key": feature["key"], "type": "meter"}
                wanted.features.append(WantedFeature(source=source, body=body, meter=slug))
            else:
                measured[slug] = feature
    first = []
    for meter in kinds["meter"]:
        with wanted.skipping(f"meter {meter['slug']}") as source:
            first.append(_meter_of(meter, source, measured.get(meter["slug"], {})))
    wanted.features[:0] = first


def _kind_of_grant(key: str, plans: Sequence[Body]) -> str:
    """What plans grant of a feature without a meter: a switch, or a value."""
    templates = [
        card.get("entitlementTemplate") or {}
        for plan in plans
        for phase in plan["phases"]
        for card in phase["rateCards"]
        if card.get("featureKey") == key
    ]
    return "custom" if any(one.get("type") == "static" for one in templates) else "switch"


def _meter_of(meter: Body, source: str, feature: Body) -> WantedFeature:
    if meter["aggregation"] not in AGGREGATIONS:
        raise NoCounterpart(f"no aggregation is like {meter['aggregation']}")
    body = {
        "name": feature.get("name") or meter.get("name") or meter["slug"],
        "lookup_key": feature.get("key") or meter["slug"],
        "type": "meter",
        "meter_name": meter["slug"],
        "aggregation_type": AGGREGATIONS[meter["aggregation"]],
        "property_name": (meter.get("valueProperty") or "").removeprefix("$."),
    }
    return WantedFeature(source=source, body=present(body))


def _translate_customers(kinds: Mapping[str, Sequence[Body]], wanted: Wanted) -> dict[str, str]:
    """The external ids by the ids of customers and the keys of their subjects."""
    external: dict[str, str] = {}
    for customer in kinds["customer"]:
        subjects = (customer.get("usageAttribution") or {}).get("subjectKeys") or []
        key = customer.get("key") or next(iter(subjects), customer["id"])
        with wanted.skipping(f"customer {key}") as source:
            if not customer.get("primaryEmail"):
                raise NoCounterpart("the customer has no e-mail address")
            wanted.customers.append(_customer_of(customer, source, key))
            external |= dict.fromkeys((customer["id"], key, *subjects), key)
    for subject in kinds["subject"]:
        if subject["key"] not in external:
            wanted.skip(f"subject {subject['key']}", "no customer with an address has it")
    return external


def _customer_of(customer: Body, source: str, key: str) -> WantedCustomer:
    address = customer.get("billingAddress") or {}
    lines = [address.get("line1"), address.get("line2")]
    body = {
        "external_id": key,
        "name": customer["name"],
        "email": customer["primaryEmail"],
        "phone": address.get("phoneNumber"),
        "billing_address_line1": ", ".join(line for line in lines if line),
        "billing_address_city": address.get("city"),
        "billing_address_state": address.get("state"),
        "billing_address_postal_code": address.get("postalCode"),
        "billing_address_country": address.get("country"),
    }
    return WantedCustomer(source=source, body=present(body))


def _subscription_of(
    subscription: Body, source: str, customers: Mapping[str, str]
) -> WantedSubscription:
    period = (subscription.get("alignment") or {}).get("currentAlignedBillingPeriod")
    if subscription.get("status") != "active" or subscription.get("activeTo"):
        raise NoCounterpart("it is not active, or about to end")
    if not subscription.get("plan") or not period:
        raise NoCounterpart("it has no plan, or no current billing period")
    if subscription["customerId"] not in customers:
        raise NoCounterpart("its customer was skipped or is not in the export")
    return WantedSubscription(
        source=source,
        customer=customers[subscription["customerId"]],
        plan=subscription["plan"]["key"],
        starts_at=instant(period["to"]),
    )


def _events_of(
    events: Sequence[Body],
    meters: Sequence[Body],
    customers: Mapping[str, str],
    wanted: Wanted,
) -> Iterator[Body]:
    """Our events: one for each meter that counts theirs, by a key that names both."""
    known = {one.body.get("meter_name") for one in wanted.features}
    for event in events:
        source = f"event {event['id']}"
        slugs = [
            one["slug"]
            for one in meters
            if one["eventType"] == event["type"] and one["slug"] in known
        ]
        if not slugs:
            wanted.skip(source, f"no meter counts {event['type']}")
        elif event["subject"] not in customers:
            wanted.skip(source, f"no customer has the subject {event['subject']}")
        else:
            for slug in slugs:
                yield present(
                    {
                        "meter_name": slug,
                        "customer_external_id": customers[event["subject"]],
                        "timestamp": event.get("time"),
                        "idempotency_key": f"{event['source']}/{event['id']}/{slug}",
                        "properties": event.get("data") or {},
                    }
                )
