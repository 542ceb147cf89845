"""The page of verify.py about prepaid credit: what the signed lots pay of each line."""
from fractions import Fraction as F
from rules import amount_of, instant, rounded

def place_of(lot):  # free credit, and what was taxed as it was sold, lowers what is taxed
    is_net = lot["kind"] == "free" or lot["taxation"] == "at_purchase"
    return "before_tax" if is_net else "after_tax"

def scope_of(lot): return {*lot.get("charge_ids", ()), *lot.get("meter_ids", ())}  # none: of all

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

def check_units(document, places, require):  # what no credit pays of a line is money, at its rate
    credits = document.get("credits", []) + document.get("credits_after_tax", [])
    for at, one in enumerate(document["lines"]):
        if "priced_in" in one:
            own = [e for e in credits if (e["line"], e["unit"]) == (at, one["priced_in"]["code"])]
            rest = amount_of(one) - sum(F(e["amount"]) for e in own)
            due = rounded(rest * F(one.get("overage_rate") or 0), places)
            due -= sum(F(e["total"]) for e in own)  # and what they were sold for, if taxed by that
            require(due == F(one["total"]) and (rest >= 0 or not own), f"line {at + 1}: {due}")

def check_draws(document, places, require):  # draws come out again, and pay no more than there was
    worth = {at: F(one["total"]) for at, one in enumerate(document["lines"])}
    used, currency = document["drawing"], document["currency"]
    off = [line for coupon in document.get("coupons", ()) for line in coupon["lines"]]
    for one in off + [e for e in document["credits_after_tax"] if e["unit"] != currency]:
        worth[one["line"]] += F(one["total"])
    for one in sum((used.get(e, []) for e in ("in_units", "in_units_at_use", "before_tax")), []):
        asked, at = sum(F(part["amount"]) for part in one["segments"]), one["position"]
        most = amount_of(document["lines"][at]) if "unit" in one else worth[at]
        require(asked <= max(0, most), f"line {at + 1} was used for {asked}")
    for name, place in (("credits", "before_tax"), ("credits_after_tax", "after_tax")):
        found, said = draw(used, place, currency, places), {}
        for one in document[name]:
            said[one["line"], one["grant_id"]] = F(one["amount"]), -F(one["total"]), one["unit"]
        for key in sorted(found.keys() | said.keys()):
            paid = found.get(key, (0,))  # so much, which is so much money
            require(paid == said.get(key), f"grant {key[1]} pays {paid[0]} of line {key[0] + 1}")
