"""Exports of Lago: answers of its API.

*Source: docs/migration/lago.md*
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from billing.money import find_currency
from cli.migration.exports import Record, after_last_second, instant, present
from cli.migration.wanted import (
    Body,
    NoCounterpart,
    Wanted,
    WantedCharge,
    WantedCustomer,
    WantedFeature,
    WantedPlan,
    WantedSubscription,
)
from cli.output import Refusal

AGGREGATIONS = {
    "count_agg": "COUNT",
    "sum_agg": "SUM",
    "max_agg": "MAX",
    "unique_count_agg": "UNIQUE_COUNT",
    "latest_agg": "LAST",
    "weighted_sum_agg": "WEIGHTED_SUM",
}
INTERVALS = {
    "weekly": ("week", 1),
    "monthly": ("month", 1),
    "quarterly": ("month", 3),
    "semiannual": ("month", 6),
    "yearly": ("year", 1),
}
SIGNS = {
    "billable_metrics": {"code", "aggregation_type"},
    "plans": {"code", "interval", "amount_cents"},
    "subscriptions": {"external_customer_id", "plan_code"},
    "customers": {"external_id", "sequential_id"},
}
"""What each kind of object has and no other does."""


def translate(records: Sequence[Record]) -> Wanted:
    """What these objects ask for here."""
    kinds: dict[str, list[Body]] = defaultdict(list)
    for record in records:
        kinds[_kind_of(record)].append(record.body)
    wanted = Wanted()
    for metric in kinds["billable_metrics"]:
        with wanted.skipping(f"metric {metric['code']}") as source:
            wanted.features.append(_feature_of(metric, source))
    meters = {one.body["meter_name"] for one in wanted.features}
    for plan in kinds["plans"]:
        with wanted.skipping(f"plan {plan['code']}") as source:
            charges = list(_charges_of(plan, source, meters, wanted))
            wanted.plans.append(_plan_of(plan, source, charges))
            _note_what_is_left(plan, source, wanted)
    for customer in kinds["customers"]:
        with wanted.skipping(f"customer {customer['external_id']}") as source:
            wanted.customers.append(_customer_of(customer, source))
    zones = {one["external_id"]: one.get("timezone") for one in kinds["customers"]}
    for subscription in kinds["subscriptions"]:
        with wanted.skipping(f"subscription {subscription['external_id']}") as source:
            zone = zones.get(subscription["external_customer_id"])
            wanted.subscriptions.append(_subscription_of(subscription, source, zone))
    return wanted


def _kind_of(record: Record) -> str:
    if record.collection in SIGNS:
        return record.collection
    for kind, fields in SIGNS.items():
        if fields <= set(record.body):
            return kind
    raise Refusal(f"An object with {', '.join(list(record.body)[:5])} … is none of Lago's.")


def _feature_of(metric: Body, source: str) -> WantedFeature:
    kind = metric["aggregation_type"]
    if kind not in AGGREGATIONS:
        raise NoCounterpart(f"no aggregation is like {kind}")
    if metric.get("recurring") and kind != "weighted_sum_agg":
        raise NoCounterpart("it keeps its value over periods; meters here begin each at zero")
    if metric.get("expression"):
        raise NoCounterpart("it computes its value by an expression: send the value itself")
    body = {
        "name": metric["name"],
        "description": metric.get("description"),
        "lookup_key": metric["code"],
        "type": "meter",
        "meter_name": metric["code"],
        "aggregation_type": AGGREGATIONS[kind],
        "property_name": metric.get("field_name"),
        "carry_forward": bool(metric.get("recurring")),
    }
    return WantedFeature(source=source, body=present(body))


def _plan_of(plan: Body, source: str, charges: Sequence[WantedCharge]) -> WantedPlan:
    if plan["interval"] not in INTERVALS:
        raise NoCounterpart(f"no interval is like {plan['interval']}")
    interval, count = INTERVALS[plan["interval"]]
    currency = plan["amount_currency"]
    all_charges = list(charges)
    if plan["amount_cents"]:
        fee = {"type": "FIXED", "unit_price": _units(plan["amount_cents"], currency)}
        label = plan.get("invoice_display_name") or plan["name"]
        all_charges.insert(0, WantedCharge(body=fee | {"display_name": label}))
    kinds = {charge.body["type"] for charge in all_charges} or {"FIXED"}
    body = {
        "name": plan["name"],
        "lookup_id": plan["code"],
        "description": plan.get("description"),
        "type": kinds.pop() if len(kinds) == 1 else "HYBRID",
        "billing_interval": interval,
        "billing_interval_count": count,
        "currency": currency,
        "trial_days": int(plan.get("trial_period") or 0),
    }
    return WantedPlan(source=source, body=present(body), charges=all_charges)


def _note_what_is_left(plan: Body, source: str, wanted: Wanted) -> None:
    if plan.get("pay_in_advance"):
        wanted.skip(f"{source}.pay_in_advance", "fees are billed at the end of a period here")
    if plan.get("minimum_commitment"):
        wanted.skip(f"{source}.minimum_commitment", "make a commitment of one period by hand")
    if plan.get("bill_charges_monthly"):
        wanted.skip(f"{source}.bill_charges_monthly", "all charges have the plan's interval")
    if plan.get("usage_thresholds"):
        wanted.skip(f"{source}.usage_thresholds", "set a threshold_amount on each subscription")
    if plan.get("taxes"):
        wanted.skip(f"{source}.taxes", "tax rates go by country here: make them by hand")
    if plan.get("entitlements"):
        wanted.skip(f"{source}.entitlements", "grant features to the plan by hand")


def _charges_of(
    plan: Body, source: str, meters: set[str], wanted: Wanted
) -> Iterator[WantedCharge]:
    for charge in plan.get("charges") or []:
        code = charge["billable_metric_code"]
        with wanted.skipping(f"{source}.{code}"):
            if code not in meters:
                raise NoCounterpart("its metric was skipped or is not in the export")
            if charge.get("filters"):
                raise NoCounterpart("prices by filter: make a meter with that filter for each")
            body = {
                "type": "USAGE",
                "display_name": charge.get("invoice_display_name"),
                "minimum": _units(charge.get("min_amount_cents") or 0, plan["amount_currency"]),
                **_pricing_of(charge["charge_model"], charge["properties"]),
            }
            if not body["minimum"]:
                del body["minimum"]
            yield WantedCharge(body=present(body), meter=code)


def _pricing_of(model: str, properties: Body) -> Body:
    """The price model of a charge. Raises NoCounterpart for one that is not here."""
    if model not in PRICINGS:
        raise NoCounterpart(f"no price model is like {model}")
    return PRICINGS[model](properties)


def _standard(properties: Body) -> Body:
    return {"unit_price": Decimal(properties["amount"])}


def _package(properties: Body) -> Body:
    pricing = {
        "model": "package",
        "package_size": Decimal(properties["package_size"]),
        "unit_price": Decimal(properties["amount"]),
    }
    return {"pricing": pricing, "included_units": properties.get("free_units")}


def _percentage(properties: Body) -> Body:
    bounds = ("per_transaction_min_amount", "per_transaction_max_amount")
    if any(properties.get(name) for name in ("free_units_per_events", *bounds)):
        raise NoCounterpart("free events, or bounds of single transactions")
    pricing = {
        "model": "percentage",
        "rate": Decimal(properties["rate"]) / 100,
        "fixed_fee": Decimal(properties.get("fixed_amount") or 0),
    }
    included = properties.get("free_units_per_total_aggregation")
    return {"pricing": pricing, "included_units": None if included is None else Decimal(included)}


def _tiered(model: str, properties: Body) -> Body:
    tiers = [
        {
            "up_to": one["to_value"],
            "unit_price": Decimal(one["per_unit_amount"]),
            "flat_fee": Decimal(one["flat_amount"]),
        }
        for one in properties[f"{model}_ranges"]
    ]
    return {"pricing": {"model": model, "tiers": tiers}}


PRICINGS: Mapping[str, Callable[[Body], Body]] = {
    "standard": _standard,
    "graduated": lambda properties: _tiered("graduated", properties),
    "volume": lambda properties: _tiered("volume", properties),
    "package": _package,
    "percentage": _percentage,
}
"""What Lago's charge models are here."""


def _units(cents: int, currency: str) -> Decimal:
    return Decimal(cents).scaleb(-find_currency(currency).exponent)


def _customer_of(customer: Body, source: str) -> WantedCustomer:
    names = [customer.get("firstname"), customer.get("lastname")]
    emails = (customer.get("email") or "").split(",")
    if not emails[0]:
        raise NoCounterpart("the customer has no e-mail address")
    lines = [customer.get("address_line1"), customer.get("address_line2")]
    body = {
        "external_id": customer["external_id"],
        "name": customer.get("name") or " ".join(one for one in names if one) or emails[0],
        "email": emails[0].strip(),
        "phone": customer.get("phone"),
        "billing_address_line1": ", ".join(line for line in lines if line),
        "billing_address_city": customer.get("city"),
        "billing_address_state": customer.get("state"),
        "billing_address_postal_code": customer.get("zipcode"),
        "billing_address_country": customer.get("country"),
        "tax_id": customer.get("tax_identification_number"),
    }
    return WantedCustomer(source=source, body=present(body))


def _subscription_of(subscription: Body, source: str, zone: str | None) -> WantedSubscription:
    if subscription["status"] != "active":
        raise NoCounterpart(f"it is {subscription['status']}")
    if subscription.get("ending_at") or subscription.get("next_plan_code"):
        raise NoCounterpart("it is about to end or to change: let it do so there first")
    ends = instant(subscription["current_billing_period_ending_at"])
    is_calendar = subscription.get("billing_time") == "calendar"
    return WantedSubscription(
        source=source,
        customer=subscription["external_customer_id"],
        plan=subscription["plan_code"],
        starts_at=after_last_second(ends),
        body=present({"timezone": zone, "billing_anchor": "calendar" if is_calendar else "start"}),
    )
