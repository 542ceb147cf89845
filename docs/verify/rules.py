"""rules.py is the second page of verify.py: what usage costs, and which prepaid credit pays it.
What it goes by is signed: the terms of the plan, and the lots of credit as they stood."""
from datetime import datetime, timedelta
from fractions import Fraction as F

def of_charge(charge, found): return [e for e in found if e["charge_id"] == charge["charge_id"]]
def share_of(one): return F(one["share"]["covered"], one["share"]["total"])
def rounded(n, places): return F(int(abs(n) * 10**places + F(1, 2)), 10**places) * (-1) ** (n < 0)
def amount_of(line):  # in its own unit, else in money
    unit = line.get("priced_in")
    return rounded(F(line["exact_amount"]), unit["scale"]) if unit else F(line["total"])
def instant(text): return datetime.fromisoformat(text or "9999-12-31T00:00:00Z")  # None: never

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
    wanted = max(together, share * F(charge.get("minimum", 0)))
    if "maximum" in charge: wanted = min(wanted, share * F(charge["maximum"]))
    is_moved = wanted != together or any(one.get("is_moved") for one in parts)
    return max(0, wanted - sum(F(one["billed"]) for one in parts)) if is_moved else total
def place_of(lot):  # free credit, and what was taxed as it was sold, lowers what is taxed
    return ("after_tax", "before_tax")[lot["kind"] == "free" or lot["taxation"] == "at_purchase"]
def scope_of(lot):  # the charges and meters that it is for; none: everything
    return {*lot.get("charge_ids", ()), *lot.get("meter_ids", ())}
def rank(lot):  # lots pay in this order
    begins, ends = instant(lot["effective_at"]), instant(lot.get("expires_at"))
    return lot["priority"], ends, not scope_of(lot), lot["kind"] == "paid", begins, lot["sequence"]
def may_pay(lot, line, part, currency):  # what it is for, if it was alive as that was used
    used, until = instant(part["used_at"]), instant(part.get("until") or part["used_at"])
    is_alive = instant(lot["effective_at"]) <= used and until < instant(lot.get("expires_at"))
    is_for = not scope_of(lot) or scope_of(lot) & {line.get("charge_id"), line.get("meter_id")}
    return is_alive and is_for and lot["unit"] == line.get("unit", currency)
def worth(lot, paid, currency, places):  # what it pays of each line: so much, and in money
    cost, whole = lot.get("cost", {"amount": 0, "left": 0}), F(lot["amount"])
    left, rest = F(cost["left"]), F(lot["rest"]) + F(cost.get("held", 0))
    for key, n in [(key, n) for key, n in paid.items() if n and key[1] == lot["grant_id"]]:
        rest -= n  # own units that are taxed as they pay are worth what they were sold for
        after = F(cost["amount"]) - rounded(F(cost["amount"]) * (whole - rest) / whole, places)
        after = min(left, after)
        yield key, (n, left - after + n * (lot["unit"] == currency), lot["unit"])
        left = after
def draw(drawing, place, currency, places):  # what each lot pays of each line, in own units first
    own = "in_units" if place == "before_tax" else "in_units_at_use"
    lines = drawing.get(own, []) + drawing[place]
    lots = sorted((lot for lot in drawing["lots"] if place_of(lot) == place), key=rank)
    rests, paid = {lot["grant_id"]: F(lot["rest"]) for lot in lots}, {}
    for line, part in [(line, part) for line in lines for part in line["segments"]]:
        left = F(part["amount"])
        for lot in (one for one in lots if may_pay(one, line, part, currency)):
            key, taken = (line["position"], lot["grant_id"]), min(left, rests[lot["grant_id"]])
            left, rests[lot["grant_id"]] = left - taken, rests[lot["grant_id"]] - taken
            paid[key] = paid.get(key, 0) + taken
    return {key: one for lot in lots for key, one in worth(lot, paid, currency, places)}
