"""verify.py RECEIPT EVENTS --keys KEYS computes an invoice again, and trusts nothing but the keys.
Prints the total. Exit code 0: equal; 1: different; 2: the files cannot be used."""
import base64, hashlib, json, sys
from datetime import UTC, datetime, timedelta
from fractions import Fraction as F

def require(is_so, what): is_so or sys.exit(f"different: {what}")  # a text ends with exit code 1
def canonical(value):  # RFC 8785: names are ASCII and numbers integers, so that sorting is enough
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
def digest(value): return hashlib.sha256(canonical(value)).hexdigest()
def without(value, *names): return {k: v for k, v in value.items() if k not in names}
def unbase64(text): return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
def rounded(n, places): return F(int(abs(n) * 10**places + F(1, 2)), 10**places) * (-1) ** (n < 0)
def instant(text):  # in microseconds
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta.resolution

def aggregate(meter, start, end, events):  # how many events count in a window, and its usage
    mine = [e for e in events if e["meter_id"] == meter["meter_id"] and e["at"] < end]
    past = [e["value"] for e in mine if e["at"] < start and meter.get("carry_forward")]
    own = [e for e in mine if e["at"] >= start]
    values, area = [e["value"] for e in own], sum(e["value"] * (end - e["at"]) for e in own)
    return len(own), {
        "MIN": min(values, default=0), "MAX": max(values or past[-1:], default=0),
        "SUM": sum(values), "COUNT": len(values), "UNIQUE_COUNT": len({e["distinct"] for e in own}),
        "AVG": F(sum(values), len(values) or 1), "LAST": ([0] + past + values)[-1],
        "WEIGHTED_SUM": (sum(past) + F(area, end - start or 1)) * (end > start),
    }[meter["aggregation"]]

def measure(charge, terms, usage, events):  # price, billable quantity and events of each group
    meter, used, billed = charge["meter"], 0, {}
    on_meter = lambda one: one.get("meter_id") == meter["meter_id"] and one.get("is_enabled", True)
    feature = next(filter(on_meter, terms.get("features", ())), {})  # of the plan, on this meter
    oldest = next(c for c in terms["charges"] if on_meter(c.get("meter", {})))
    limit = feature.get("usage_limit")
    units = F(charge.get("included_units", limit if charge is oldest else 0) or 0)
    waives = limit and feature.get("over_limit") == "waive" and not feature.get("is_soft_limit")
    named = [(tuple(one["values"]), one["pricing"]) for one in grouping(charge).get("prices", ())]
    prices = dict([*named, ("others", charge["pricing"]), ("missing", charge["pricing"])])
    for one in sorted(usage, key=lambda one: instant(one["window"]["starts_at"])):
        start, end = instant(one["window"]["starts_at"]), instant(one["window"]["ends_at"])
        found, is_earlier = aggregate(meter, start, end, events), one["window"].get("is_earlier")
        require(found == (one["event_count"], F(one["aggregate"])), f"{meter['name']}: {found[1]}")
        included, room = max(0, units - used), max(0, F(limit) - used) if waives else found[1]
        used = max(0, found[1]) if is_earlier else 0  # an earlier bill had them
        for group in () if is_earlier else prices:  # the first ones are included, and within
            own = [e for e in events if group_of(charge, e, prices) == group]
            count, n = aggregate(meter, start, end, own)
            n, free, within = max(0, n), min(max(0, n), included), min(max(0, n), max(0, room))
            before = billed.get(group, (0, 0))
            billed[group] = before[0] + max(0, within - free), before[1] + count
            included, room = included - free, room - within
    due = [(prices[one], *billed[one]) for one in prices if billed[one][1] or not grouping(charge)]
    return due[: None if grouping(charge) else 1] or [(charge["pricing"], 0, 0)]

def grouping(charge): return charge.get("grouping") or {}
def group_of(charge, event, prices):  # the event's values of the properties that have prices
    values = tuple(event.get("properties", {}).get(n) for n in grouping(charge).get("properties", ()))
    return "others" if not values else "missing" if None in values else (
        values if values in prices else "others")

def price(model, quantity, count):
    match model["model"]:
        case "flat" | "per_unit": return quantity * F(model.get("amount") or model["unit_price"])
        case "package": return -(-quantity // F(model["package_size"])) * F(model["unit_price"])
        case "percentage": return quantity * F(model["rate"]) + count * F(model.get("fixed_fee", 0))
    lowers = [F(0)] + [F(tier["up_to"]) for tier in model["tiers"][:-1]]  # a bound is of the lower
    reached = [one for one in zip(lowers, model["tiers"]) if one[0] < quantity or not one[0]]
    cost = lambda n, tier: n * F(tier.get("unit_price", 0)) + F(tier.get("flat_fee", 0))
    if model["model"] != "graduated": return cost(quantity, reached[-1][1])
    return sum(cost(min(quantity, F(t["up_to"] or quantity)) - lower, t) for lower, t in reached)

def hold(amount, charge, inputs, share):  # minimum and maximum, over all parts of a regular period
    parts = [e for e in inputs.get("earlier", ()) if e["charge_id"] == charge["charge_id"]]
    for one in parts: share = min(1, share + F(one["share"]["covered"], one["share"]["total"]))
    together = wanted = amount + sum(F(one["priced"]) for one in parts)
    wanted = max(wanted, share * F(charge.get("minimum") or 0))
    if charge.get("maximum") is not None: wanted = min(wanted, share * F(charge["maximum"]))
    is_moved = wanted != together or any(one.get("is_moved") for one in parts)
    return max(0, wanted - sum(F(one["billed"]) for one in parts)) if is_moved else amount

def settle(amounts, charge, inputs, share, places):  # the lines of a charge, within its bounds
    total, lines = sum(amounts), [rounded(one, places) for one in amounts]
    wanted = hold(total, charge, inputs, share)
    whole = rounded(wanted, places)
    is_bounded = charge.get("minimum") is not None or charge.get("maximum") is not None
    if not is_bounded or (wanted == total and sum(lines) == whole): return lines
    weights = amounts if total else [1] + [0] * (len(amounts) - 1)  # largest remainders
    floors, rests = zip(*(divmod(whole * 10**places * one, sum(weights)) for one in weights))
    left = sorted(range(len(rests)), key=lambda at: -rests[at])[: int(whole * 10**places - sum(floors))]
    return [F(floor + (at in left), 10**places) for at, floor in enumerate(floors)]

def verify(document, events, keys):
    receipt, terms, inputs, lines = map(document.get, ("receipt", "terms", "inputs", "lines"))
    signed, totals, places = without(receipt, "digest", "signature"), [], receipt["currency_places"]
    require(digest(signed) == receipt["digest"].lower(), "the receipt's digest")  # none: unusable
    [key] = [unbase64(one["x"]) for one in keys["keys"] if one["kid"] == receipt["key_id"]]
    try: PublicKey.from_public_bytes(key).verify(unbase64(receipt["signature"]), canonical(signed))
    except InvalidSignature: require(False, "the receipt's signature")
    for charge in terms["charges"] if terms else ():
        share = F(inputs["share"]["covered"], inputs["share"]["total"])
        usage = [one for one in inputs["usage"] if one["charge_id"] == charge["charge_id"]]
        due = [(charge["pricing"], share, 0)]
        if charge.get("meter"): due = measure(charge, terms, usage, events)
        totals += settle([price(*one) for one in due], charge, inputs, share, places)
    own = [e for e in lines if not terms or e.get("charge_id") and e["type"] != "late_usage"]
    require(not terms or totals == [F(e["total"]) for e in own], f"lines {[*map(str, totals)]}")
    of = {"inputs": inputs, "terms": terms, "lines": [without(e, "line_id", "total") for e in own]}
    for name, value in of.items():
        require(receipt[f"{name}_digest"] == (value if value is None else digest(value)), name)
    off = sum((c["lines"] for c in document.get("coupons", ())), document.get("credits", []))
    taxable = sum(F(e["total"]) for e in lines + off if e.get("is_taxable", True))
    within = 100 + sum(F(tax["percentage"]) for tax in document["taxes"] if tax["is_inclusive"])
    rates = [F(tax["percentage"]) for tax in document["taxes"] if not tax["is_inclusive"]]
    total = sum(F(e["total"]) for e in lines + off)
    total += sum(rounded(taxable * rate / within, places) for rate in rates)
    require(total == F(receipt["total"]), f"total {total}, signed was {receipt['total']}")
    print(f"{receipt['invoice_number']}: {receipt['total']} {receipt['currency']}")
try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey as PublicKey
    files = [open(one, encoding="utf-8") for one in sys.argv[1:] if one != "--keys"]
    events = sorted(map(json.loads, files[1]), key=lambda one: one["sequence"])
    for one in events: one.update(at=instant(one["timestamp"]), value=F(one["quantity"]))
    verify(json.load(files[0]), sorted(events, key=lambda e: e["at"]), json.load(files[2]))
except Exception as error:  # whatever it is, nothing was compared to its end
    print(f"unusable: {error!r}", file=sys.stderr), sys.exit(2)
