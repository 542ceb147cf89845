"""The page of verify.py about prepaid credit: what it pays of each line, and what that is worth."""
from fractions import Fraction as F
import rules

def check_units(document, places, require):  # what no credit pays of a line is money, at its rate
    credits = document.get("credits", []) + document.get("credits_after_tax", [])
    for at, one in enumerate(document["lines"]):
        if "priced_in" in one:
            own = [e for e in credits if (e["line"], e["unit"]) == (at, one["priced_in"]["code"])]
            rest = rules.amount_of(one) - sum(F(e["amount"]) for e in own)
            due = rules.rounded(rest * F(one.get("overage_rate") or 0), places)
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
        most = rules.amount_of(document["lines"][at]) if "unit" in one else worth[at]
        require(asked <= max(0, most), f"line {at + 1} was used for {asked}")
    for name, place in (("credits", "before_tax"), ("credits_after_tax", "after_tax")):
        found, said = rules.draw(used, place, currency, places), {}
        for one in document[name]:
            said[one["line"], one["grant_id"]] = F(one["amount"]), -F(one["total"]), one["unit"]
        for key in sorted(found.keys() | said.keys()):
            paid = found.get(key, (0,))  # so much, which is so much money
            require(paid == said.get(key), f"grant {key[1]} pays {paid[0]} of line {key[0] + 1}")
