"""Plans of OpenMeter: rate cards become charges, and what they grant."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

from cli.migration.exports import present
from cli.migration.wanted import (
    Body,
    NoCounterpart,
    Wanted,
    WantedCharge,
    WantedFeature,
    WantedGrant,
    WantedPlan,
)

CADENCE = re.compile(r"P(\d+)([DWMY])")
UNITS = {"D": "day", "W": "week", "M": "month", "Y": "year"}


def plan_of(
    plan: Body, source: str, features: Mapping[str, WantedFeature], wanted: Wanted
) -> WantedPlan:
    """The plan. Raises NoCounterpart for what no plan can say."""
    if plan.get("status", "active") != "active":
        raise NoCounterpart(f"it is {plan['status']}")
    if len(plan["phases"]) != 1:
        raise NoCounterpart("it has several phases: make a plan for each, and change plans")
    charges, grants = [], []
    for card in plan["phases"][0]["rateCards"]:
        with wanted.skipping(f"{source}.{card['key']}"):
            feature = features.get(card.get("featureKey") or "")
            if card.get("price"):
                charges.append(_charge_of(card, feature, plan["billingCadence"]))
            if card.get("entitlementTemplate") and feature is not None:
                grants.append(_grant_of(card, feature, plan["billingCadence"]))
    kinds = {charge.body["type"] for charge in charges} or {"FIXED"}
    interval, count = _interval_of(plan["billingCadence"])
    body = {
        "name": plan["name"],
        "lookup_id": plan["key"],
        "description": plan.get("description"),
        "type": kinds.pop() if len(kinds) == 1 else "HYBRID",
        "billing_interval": interval,
        "billing_interval_count": count,
        "currency": plan["currency"],
    }
    return WantedPlan(source=source, body=present(body), charges=charges, grants=grants)


def _interval_of(cadence: str) -> tuple[str, int]:
    found = CADENCE.fullmatch(cadence)
    if found is None:
        raise NoCounterpart(f"no interval is like {cadence}")
    return UNITS[found[2]], int(found[1])


def _charge_of(card: Body, feature: WantedFeature | None, cadence: str) -> WantedCharge:
    price = card["price"]
    if card.get("billingCadence") != cadence:
        raise NoCounterpart("it is billed at another rhythm than its plan, or once")
    body: Body = {"display_name": card["name"]}
    if price["type"] == "flat":
        fixed = {"type": "FIXED", "unit_price": Decimal(price["amount"])}
        return WantedCharge(body=body | fixed)
    meter = None if feature is None else feature.meter or feature.body.get("meter_name")
    if meter is None:
        raise NoCounterpart("usage of a feature without a meter")
    discounts = card.get("discounts") or {}
    if discounts.get("percentage"):
        raise NoCounterpart("a percentage off: write the lower price")
    body |= {
        "type": "USAGE",
        "minimum": _number(price.get("minimumAmount")),
        "maximum": _number(price.get("maximumAmount")),
        # What is granted comes off the price only where it is a discount.
        "included_units": _number((discounts.get("usage") or {}).get("quantity")) or Decimal(0),
        **_pricing_of(price),
    }
    return WantedCharge(body=present(body), meter=meter)


def _pricing_of(price: Body) -> Body:
    if price["type"] not in PRICINGS:
        raise NoCounterpart(f"no price model is like {price['type']}")
    return PRICINGS[price["type"]](price)


def _unit(price: Body) -> Body:
    return {"unit_price": Decimal(price["amount"])}


def _package(price: Body) -> Body:
    size, amount = Decimal(price["quantityPerPackage"]), Decimal(price["amount"])
    return {"pricing": {"model": "package", "package_size": size, "unit_price": amount}}


def _tiered(price: Body) -> Body:
    tiers = [
        {
            "up_to": _number(tier.get("upToAmount")),
            "unit_price": _number((tier.get("unitPrice") or {}).get("amount")) or 0,
            "flat_fee": _number((tier.get("flatPrice") or {}).get("amount")) or 0,
        }
        for tier in price["tiers"]
    ]
    return {"pricing": {"model": price["mode"], "tiers": tiers}}


PRICINGS: Mapping[str, Callable[[Body], Body]] = {
    "unit": _unit,
    "package": _package,
    "tiered": _tiered,
}
"""What OpenMeter's prices of usage are here."""


def _grant_of(card: Body, feature: WantedFeature, cadence: str) -> WantedGrant:
    template = card["entitlementTemplate"]
    body: Body = {"is_enabled": True}
    if template["type"] == "metered":
        interval, count = _interval_of(template.get("usagePeriod") or cadence)
        if count != 1:
            raise NoCounterpart(f"limits are by the day, week, month or year, not {count} of them")
        body |= {
            "usage_limit": template.get("issueAfterReset"),
            "usage_reset_period": interval,
            "is_soft_limit": bool(template.get("isSoftLimit")),
        }
    elif template["type"] == "static":
        body["static_value"] = template["config"]
    return WantedGrant(feature=feature.body["lookup_key"], body=present(body))


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
