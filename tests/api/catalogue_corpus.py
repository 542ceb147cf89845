"""The bodies of every catalogue route, and what each of their fields cannot take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

TOO_LONG = "x" * 501
WORDS: list[Any] = ["", "  ", 5, 1.5, True, [], {}, ["x"], TOO_LONG, "\ud800", "a\x00b"]
SLUG: list[Any] = [*WORDS, None, "a b", "é", "-a", "a/b", "a\nb"]
ENUM: list[Any] = ["", "nope", 5, True, [], {}, "SUM\x00", TOO_LONG]
TOO_FINE = "0." + "0" * 20 + "1"
NUMBER: list[Any] = [
    "",
    " ",
    "abc",
    "0x10",
    "1_000",
    "1,5",
    "١e",
    True,
    False,
    [],
    {},
    -1,
    "-0.01",
    "NaN",
    "Infinity",
    float("nan"),
    float("inf"),
    float("-inf"),
    "1e31",
    "1e-31",
    10**30,
    "1" * 250,
    TOO_FINE,
]
PRICE: list[Any] = [*(one for one in NUMBER if one != TOO_FINE), "0." + "0" * 30 + "1"]
FLAG: list[Any] = ["true", "yes", "", 0, 1, [], {}]
COUNT: list[Any] = ["3", 1.5, True, -1, 10**40, [], {}, "", float("nan")]
IDENTIFIER: list[Any] = ["", "x", 5, True, [], {}, "g" * 32, TOO_LONG]
CURRENCY: list[Any] = [*WORDS, None, "US", "USDX", "XAU", "XXX", "$", "ＵＳＤ"]
COUNTRY: list[Any] = [*WORDS, "UK", "GBR", "XX", "12", "ß"]
EMAIL: list[Any] = [*WORDS, None, "x", "a@", "@b", "a b@c.test", "a@@b", "a@b@c", "x@" + TOO_LONG]
FILTERS: list[Any] = [
    "x",
    5,
    {},
    True,
    ["x"],
    [None],
    [{}],
    [{"property": "a", "value": "b"}] * 6,
    [{"property": "", "value": "b"}],
    [{"property": 5, "value": "b"}],
    [{"property": TOO_LONG, "value": "b"}],
    [{"property": "\ud800", "value": "b"}],
    [{"property": "a", "operator": "like", "value": "b"}],
    [{"property": "a", "operator": 5, "value": "b"}],
    [{"property": "a", "value": "b", "extra": 1}],
    [{"property": "a"}],
    [{"property": "a", "value": {}}],
    [{"property": "a", "value": TOO_LONG}],
    [{"property": "a", "value": ["\udfff"], "operator": "in"}],
    [{"property": "a", "value": [], "operator": "in"}],
    [{"property": "a", "value": "b", "operator": "in"}],
    [{"property": "a", "value": "many", "operator": "gt"}],
    [{"property": "a", "value": float("nan"), "operator": "gt"}],
    [{"property": "a", "value": "b", "operator": "exists"}],
]
OPEN = {"up_to": None, "unit_price": 1}
PRICING: list[Any] = [
    "x",
    5,
    [],
    True,
    {},
    {"model": None},
    {"model": "magic"},
    {"model": TOO_LONG},
    {"model": "flat", "amount": 1},
    {"tiers": None},
    {"tiers": []},
    {"tiers": {}},
    {"tiers": ["x"]},
    {"tiers": [{}]},
    {"tiers": [{"up_to": 10, "unit_price": 1}]},
    {"tiers": [OPEN, OPEN]},
    {"tiers": [{"up_to": 0}, OPEN]},
    {"tiers": [{"up_to": -5}, OPEN]},
    {"tiers": [{"up_to": 10}, {"up_to": 10}, OPEN]},
    {"tiers": [{"up_to": 10}, {"up_to": 5}, OPEN]},
    {"tiers": [{"up_to": True}, OPEN]},
    {"tiers": [{"up_to": "ten"}, OPEN]},
    {"tiers": [{"up_to": float("inf")}, OPEN]},
    {"tiers": [{"up_to": None, "unit_price": -1}]},
    {"tiers": [{"up_to": None, "unit_price": float("nan")}]},
    {"tiers": [{"up_to": None, "unit_price": "1e99"}]},
    {"tiers": [{"up_to": None, "flat_fee": "free"}]},
    {"tiers": [{"up_to": None, "price": 1}]},
    {"tiers": [{"from": 5, "up_to": None}]},
    {"tiers": [OPEN], "extra": 1},
    {"model": "per_unit"},
    {"model": "per_unit", "unit_price": True},
    {"model": "package", "unit_price": 5},
    {"model": "package", "unit_price": 5, "package_size": 0},
    {"model": "package", "unit_price": 5, "package_size": -1},
    {"model": "percentage"},
    {"model": "percentage", "rate": -0.1},
    {"model": "percentage", "rate": "\ud800"},
]


@dataclass(frozen=True, slots=True)
class Form:
    """A route with a body that it takes, and what each of its fields does not take."""

    method: str
    path: str
    body: dict[str, Any]
    refused: dict[str, list[Any]]


FEATURE_WORDS = dict.fromkeys(("meter_name", "property_name", "unit"), WORDS)
CUSTOMER_WORDS = dict.fromkeys(
    (
        "external_id",
        "phone",
        "billing_address_line1",
        "billing_address_city",
        "billing_address_state",
        "billing_address_postal_code",
    ),
    WORDS,
)
METER_FIELDS = {
    "aggregation_type": [*ENUM, None],
    "property_name": WORDS,
    "unit": WORDS,
    "filters": FILTERS,
    "usage_pricing_rules": PRICING,
    "carry_forward": [*FLAG, True],
}
PLAN_FIELDS = {
    "name": [*WORDS, None],
    "lookup_id": SLUG,
    "type": [*ENUM, None],
    "billing_interval": [*ENUM, None, "hour"],
    "billing_interval_count": [*COUNT, None, 0, 1001],
    "currency": CURRENCY,
    "trial_days": [*COUNT, None, 3651],
    "description": [5, True, [], {}, "x" * 5001, "\ud800", "a\x00b"],
    "is_active": [*FLAG, None],
}
GRANT_FIELDS = {
    "is_enabled": [*FLAG, None],
    "usage_limit": NUMBER,
    "usage_reset_period": [*ENUM, "hour"],
    "is_soft_limit": [*FLAG, None],
    "reject_over_limit": [*FLAG, None],
    "over_limit": [*ENUM, None, "ignore"],
    "static_value": [*WORDS, "gold"],
}
FORMS = {
    "feature": Form(
        "POST",
        "/features",
        {
            "name": "New",
            "lookup_key": "new",
            "type": "meter",
            "meter_name": "new",
            "aggregation_type": "SUM",
        },
        {
            **METER_FIELDS,
            **FEATURE_WORDS,
            "name": [*WORDS, None],
            "lookup_key": SLUG,
            "type": [*ENUM, None],
            "description": PLAN_FIELDS["description"],
            "meter_id": IDENTIFIER,
        },
    ),
    "feature edit": Form("PATCH", "/features/{feature}", {}, {"name": [*WORDS, None]}),
    "meter": Form(
        "POST",
        "/meters",
        {"meter_name": "new_meter", "aggregation_type": "SUM"},
        {**METER_FIELDS, "name": WORDS, "meter_name": [*WORDS, None]},
    ),
    "meter edit": Form(
        "PATCH",
        "/meters/{meter}",
        {},
        {**METER_FIELDS, "name": [*WORDS, None], "filters": [*FILTERS, None]},
    ),
    "plan": Form(
        "POST",
        "/plans",
        {
            "name": "New",
            "lookup_id": "new",
            "type": "USAGE",
            "billing_interval": "month",
            "currency": "USD",
        },
        PLAN_FIELDS,
    ),
    "plan edit": Form("PATCH", "/plans/{plan}", {}, PLAN_FIELDS),
    "charge": Form(
        "POST",
        "/plans/{plan}/charges",
        {"type": "USAGE", "meter_id": "{meter}", "unit_price": 1},
        {
            "type": [*ENUM, None],
            "unit_price": PRICE,
            "meter_id": [*IDENTIFIER, None],
            "pricing": PRICING,
            "included_units": NUMBER,
            "minimum": PRICE,
            "maximum": PRICE,
            "display_name": WORDS,
            "unit": [*WORDS, "USD"],
            "overage_rate": PRICE,
            "shortfall": ENUM,
            "currency": [one for one in CURRENCY if one is not None] + ["EUR"],
            "billing_interval": [*ENUM, "year"],
        },
    ),
    "charge edit": Form(
        "PATCH",
        "/plans/{plan}/charges/{charge}",
        {"status": "ACTIVE"},
        {"status": [*ENUM, None, "DELETED"]},
    ),
    "plan feature": Form(
        "POST",
        "/plans/{plan}/features",
        {"feature_id": "{feature}", "is_enabled": True},
        {**GRANT_FIELDS, "feature_id": [*IDENTIFIER, None]},
    ),
    "plan feature edit": Form("PATCH", "/plans/{plan}/features/{granted}", {}, GRANT_FIELDS),
    "customer": Form(
        "POST",
        "/customers",
        {"name": "New", "email": "new@harbor.test"},
        {
            **CUSTOMER_WORDS,
            "name": [*WORDS, None],
            "email": EMAIL,
            "billing_address_country": COUNTRY,
            "test_clock_id": IDENTIFIER,
        },
    ),
    "customer edit": Form(
        "PUT",
        "/customers/{customer}",
        {},
        {
            **CUSTOMER_WORDS,
            "name": [*WORDS, None],
            "email": EMAIL,
            "billing_address_country": COUNTRY,
        },
    ),
    "tax rate": Form(
        "POST",
        "/tax-rates",
        {"name": "VAT", "country": "GB", "percentage": 20},
        {
            "name": [*WORDS, None],
            "country": [*COUNTRY, None],
            "state": WORDS,
            "percentage": [*NUMBER, None, 1001],
            "inclusive": [*FLAG, None],
        },
    ),
}
