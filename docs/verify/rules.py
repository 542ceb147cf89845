"""The page of verify.py about usage: how much counts, and what it costs by the signed terms."""
from datetime import datetime, timedelta
from fractions import Fraction as F

def of_charge(charge, found): return [e for e in found if e["charge_id"] == charge["charge_id"]]
def share_of(one): return F(one["share"]["covered"], one["share"]["total"])
def rounded(n, places): return F(int(abs(n) * 10**places + F(1, 2)), 10**places) * (-1) ** (n < 0)
def amount_of(line):  # in its own unit, else in money
    unit = line.get("priced_in")
    return rounded(F(line["exact_amount"]), unit["scale"]) if unit else F(line["total"])
def instant(text): return datetime.fromisoformat(text or "9999-12-31T00:00:00Z")  # None: never
def bounds(inputs): return {"maximum"} if inputs.get("is_so_far") else {"minimum", "maximum"}
def is_due(charge, inputs, own):  # while a period runs some charges are left to its last bill
    return not inputs.get("is_so_far") or of_charge(charge, own)

def aggregate(meter, window, events):  # how many events count in a window, and its usage
    start, end = instant(window["starts_at"]), instant(window["ends_at"])
    past = [e["value"] for e in events if e["at"] < start and meter.get("carry_forward")]
    own = [e for e in events if start <= e["at"] < end]
    values, length = [e["value"] for e in own], (end - start) // timedelta.resolution
    area = sum(e["value"] * ((end - e["at"]) // timedelta.resolution) for e in own)
    return len(own), {
        "MIN": min(values, default=0), "MAX": max(values or past[-1:], default=0),
        "SUM": sum(values), "COUNT": len(values), "UNIQUE_COUNT": len({e["distinct"] for e in own}),
        "AVG": F(sum(values), len(values) or 1), "LAST": ([0] + past + values)[-1],
        "WEIGHTED_SUM": length and sum(past) + F(area, length),
    }[meter["aggregation"]]

def groups_of(charge, events):  # price, and events by what they say of the properties with prices
    grouping = charge.get("grouping", {})
    groups = {tuple(one["values"]): (one["pricing"], []) for one in grouping.get("prices", ())}
    for rest in ("others", "missing") if grouping else [()]:
        groups[rest] = charge["pricing"], []
    for event in events:
        if event["meter_id"] == charge["meter"]["meter_id"]:
            said = event.get("properties", {})
            values = tuple(said.get(name) for name in grouping.get("properties", ()))
            rest = "missing" if None in values else "others"
            groups[values if values in groups else rest][1].append(event)
    return groups

def billable(charge, terms, n):  # how many of the first n units of a window are billed
    meter_id = charge["meter"]["meter_id"]
    is_on = lambda one: one.get("meter_id") == meter_id and one.get("is_enabled", True)
    feature = next(filter(is_on, terms.get("features", ())), {})  # of the plan, on this meter
    oldest = next(one for one in terms["charges"] if is_on(one.get("meter", {})))
    limit = feature.get("usage_limit")
    included = F(charge.get("included_units", charge is oldest and limit) or 0)
    waives = limit and feature.get("over_limit") == "waive" and not feature.get("is_soft_limit")
    return max(0, (min(n, F(limit)) if waives else n) - included)

def price(model, quantity, count):  # every model is tiers: most have a single one, without an end
    if model["model"] == "package": quantity = -(-quantity // F(model["package_size"]))
    rate = model.get("amount", model.get("unit_price", model.get("rate")))
    upper, costs = 0, []
    for tier in model.get("tiers", [{"unit_price": rate, "up_to": None}]):
        lower, upper = upper, min(quantity, F(tier["up_to"] or quantity))
        part = upper - lower if model["model"] == "graduated" else quantity
        costs.append(part * F(tier.get("unit_price", 0)) + F(tier.get("flat_fee", 0)))
        if upper == quantity: break  # what is at a bound is of the lower tier
    whole = sum(costs) if model["model"] == "graduated" else costs[-1]
    return whole + count * F(model.get("fixed_fee", 0))

def hold(total, charge, inputs):  # within its bounds, less what bills of parts before it took
    parts = of_charge(charge, inputs.get("earlier", ()))
    share = min(1, sum(map(share_of, [inputs, *parts])))
    together = total + sum(F(one["priced"]) for one in parts)
    wanted = max(together, share * F("minimum" in bounds(inputs) and charge.get("minimum", 0)))
    if "maximum" in charge: wanted = min(wanted, share * F(charge["maximum"]))
    is_moved = wanted != together or any(one.get("is_moved") for one in parts)
    return max(0, wanted - sum(F(one["billed"]) for one in parts)) if is_moved else total
