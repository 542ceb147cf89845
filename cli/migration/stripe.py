"""Exports of Stripe: objects of its API, and the CSV files of its dashboard.

*Source: docs/migration/stripe.md*
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from billing.errors import InvalidInput
from billing.payments.gateways import Provider
from billing.payments.minor_units import minor_units_of
from cli.migration.exports import Record, instant, present
from cli.migration.stripe_tables import from_table
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

FORMULAS = {"sum": "SUM", "count": "COUNT", "last": "LAST"}
LIVE = ("active", "trialing", "past_due")

Objects = Mapping[str, Mapping[str, Body]]
"""Objects by kind and id."""


def translate(records: Sequence[Record]) -> Wanted:
    """What these objects ask for here."""
    objects: dict[str, dict[str, Body]] = defaultdict(dict)
    for record in records:
        body = from_table(record.body) if record.collection == "csv" else record.body
        objects[str(body.get("object"))][str(body.get("id"))] = body
    wanted = Wanted()
    meters = _translate_meters(objects, wanted)
    plans = _translate_plans(objects, meters, wanted)
    for customer in objects["customer"].values():
        _translate_customer(customer, wanted)
    known = {one.body["external_id"] for one in wanted.customers}
    for subscription in objects["subscription"].values():
        try:
            wanted.subscriptions.append(_translate_subscription(subscription, plans, known))
        except NoCounterpart as reason:
            wanted.skip(subscription["id"], reason)
    return wanted


def _translate_meters(objects: Objects, wanted: Wanted) -> dict[str, str]:
    """The names of meters by their ids; each is wanted."""
    names = {}
    for meter in objects.get("billing.meter", {}).values():
        formula = (meter.get("default_aggregation") or {}).get("formula")
        if meter.get("status") != "active" or formula not in FORMULAS:
            wanted.skip(meter["id"], f"the meter is {meter.get('status')}, its formula {formula}")
            continue
        names[meter["id"]] = meter["event_name"]
        body = {
            "name": meter["display_name"],
            "lookup_key": slug(meter["event_name"]),
            "type": "meter",
            "meter_name": meter["event_name"],
            "aggregation_type": FORMULAS[formula],
            "property_name": (meter.get("value_settings") or {}).get("event_payload_key"),
        }
        wanted.features.append(WantedFeature(source=meter["id"], body=present(body)))
    return names


def _translate_plans(
    objects: Objects, meters: Mapping[str, str], wanted: Wanted
) -> dict[tuple[str, ...], str]:
    """The ``lookup_id`` of each set of prices that somebody subscribed, or that is for sale."""
    prices = dict(objects.get("price", {}))
    sets = []
    live = [one for one in objects.get("subscription", {}).values() if one["status"] in LIVE]
    for subscription in live:
        items = subscription["items"]["data"]
        prices |= {one["price"]["id"]: one["price"] for one in items if "type" in one["price"]}
        sets.append(tuple(sorted({one["price"]["id"] for one in items})))
    used = {price for one in sets for price in one}
    sets += [(price["id"],) for price in prices.values() if price["id"] not in used]
    plans = {}
    for one in dict.fromkeys(sets):
        source = ", ".join(one)
        try:
            plan = _plan_of([prices[price] for price in one], objects.get("product", {}), meters)
        except KeyError as missing:
            wanted.skip(source, f"{missing.args[0]} is not in the export")
        except NoCounterpart as reason:
            wanted.skip(source, reason)
        else:
            wanted.plans.append(plan)
            plans[one] = plan.body["lookup_id"]
    return plans


def _plan_of(
    prices: Sequence[Body], products: Mapping[str, Body], meters: Mapping[str, str]
) -> WantedPlan:
    """A plan that charges what these prices do together."""
    charges = [_charge_of(price, products, meters) for price in prices]
    rhythms = {
        (one["currency"], one["recurring"]["interval"], one["recurring"]["interval_count"])
        for one in prices
    }
    if len(rhythms) > 1:
        raise NoCounterpart("its prices differ in currency or interval: make a plan for each")
    [(currency, interval, count)] = rhythms
    kinds = {charge.body["type"] for charge in charges}
    names = dict.fromkeys(_name_of(price, products) for price in prices)
    body = {
        "name": " + ".join(names),
        "lookup_id": ".".join(slug(price.get("lookup_key") or price["id"]) for price in prices),
        "type": kinds.pop() if len(kinds) == 1 else "HYBRID",
        "billing_interval": interval,
        "billing_interval_count": count,
        "currency": currency.upper(),
        "is_active": all(price.get("active", True) for price in prices),
    }
    source = ", ".join(price["id"] for price in prices)
    return WantedPlan(source=source, body=body, charges=charges)


def _charge_of(
    price: Body, products: Mapping[str, Body], meters: Mapping[str, str]
) -> WantedCharge:
    """The charge of a price. Raises NoCounterpart for what no charge can say."""
    recurring = price.get("recurring")
    if not recurring:
        raise NoCounterpart("a one-time price: write an invoice for it when it is due")
    body: Body = {"display_name": _name_of(price, products)}
    if recurring["usage_type"] == "licensed":
        if price["billing_scheme"] == "tiered" or price.get("transform_quantity"):
            raise NoCounterpart("tiers or packages of a licensed quantity: count it by a meter")
        return WantedCharge(body=body | {"type": "FIXED", "unit_price": _amount(price)})
    meter = recurring.get("meter")
    if not meter:
        raise NoCounterpart("metered without a meter (usage records): make a meter first")
    return WantedCharge(body=body | {"type": "USAGE"} | _pricing_of(price), meter=meters[meter])


def _pricing_of(price: Body) -> Body:
    if price["billing_scheme"] == "tiered":
        if not price.get("tiers"):
            raise NoCounterpart("export it with its tiers (expand[]=data.tiers)")
        tiers = [
            {
                "up_to": tier["up_to"],
                "unit_price": _amount(tier | {"currency": price["currency"]}, otherwise=0),
                "flat_fee": _amount(
                    tier | {"currency": price["currency"]}, "flat_amount", otherwise=0
                ),
            }
            for tier in price["tiers"]
        ]
        return {"pricing": {"model": price["tiers_mode"], "tiers": tiers}}
    if packages := price.get("transform_quantity"):
        if packages["round"] != "up":
            raise NoCounterpart("packages are rounded up here: a package once begun is due")
        size, amount = packages["divide_by"], _amount(price)
        return {"pricing": {"model": "package", "package_size": size, "unit_price": amount}}
    return {"unit_price": _amount(price)}


def _amount(body: Body, name: str = "unit_amount", otherwise: int | None = None) -> Decimal:
    """An amount of minor units, in units of its currency."""
    if "amount" in body:  # tables write units of the currency
        return Decimal(body["amount"])
    text = body.get(f"{name}_decimal") or body.get(name)
    text = otherwise if text is None else text
    if text is None:
        raise NoCounterpart("the customer chooses the amount")
    try:
        exponent = minor_units_of(Provider.STRIPE, body["currency"]).exponent
    except InvalidInput as error:
        raise NoCounterpart(error.detail) from None
    return Decimal(str(text)).scaleb(-exponent)


def _name_of(price: Body, products: Mapping[str, Body]) -> str:
    product: Any = price.get("product")
    found = product if isinstance(product, dict) else products.get(str(product), {})
    return str(price.get("nickname") or found.get("name") or price["id"])


def _translate_customer(customer: Body, wanted: Wanted) -> None:
    if not customer.get("email"):
        wanted.skip(customer["id"], "the customer has no e-mail address")
        return
    if customer.get("balance"):
        wanted.skip(f"{customer['id']}.balance", "grant it as credit by hand")
    address = customer.get("address") or {}
    lines = [address.get("line1"), address.get("line2")]
    body = {
        "external_id": customer["id"],
        "name": customer.get("name") or customer["email"],
        "email": customer["email"],
        "phone": customer.get("phone"),
        "billing_address_line1": ", ".join(line for line in lines if line),
        "billing_address_city": address.get("city"),
        "billing_address_state": address.get("state"),
        "billing_address_postal_code": address.get("postal_code"),
        "billing_address_country": address.get("country"),
    }
    wanted.customers.append(WantedCustomer(source=customer["id"], body=present(body)))


def _translate_subscription(
    subscription: Body, plans: Mapping[tuple[str, ...], str], customers: set[str]
) -> WantedSubscription:
    items = subscription["items"]["data"]
    plan = plans.get(tuple(sorted({one["price"]["id"] for one in items})))
    if subscription["status"] not in LIVE:
        raise NoCounterpart(f"it is {subscription['status']}")
    if subscription.get("cancel_at_period_end") or subscription.get("cancel_at"):
        raise NoCounterpart("it is about to end: let it end there")
    if any((one.get("quantity") or 1) > 1 for one in items):
        raise NoCounterpart("a quantity above 1: subscribe by hand, with an add-on of the rest")
    if plan is None:
        raise NoCounterpart("one of its prices was skipped")
    if subscription["customer"] not in customers:
        raise NoCounterpart(f"the customer {subscription['customer']} is not in the export")
    ends = items[0].get("current_period_end") or subscription.get("current_period_end")
    return WantedSubscription(
        source=subscription["id"],
        customer=subscription["customer"],
        plan=plan,
        starts_at=instant(ends),
    )


def slug(text: str) -> str:
    """A name for programs, of letters, digits and ``_ . : -``."""
    return re.sub(r"[^A-Za-z0-9_.:-]+", "_", text).lstrip("_.:-")
