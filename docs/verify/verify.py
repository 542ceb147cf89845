"""verify.py RECEIPT EVENTS --keys KEYS computes an invoice again, and trusts nothing but the keys.
Prints the total. Exit code 0: equal; 1: different; 2: the files cannot be used."""
import base64, hashlib, json, sys
from fractions import Fraction as F
PARTS = "inputs terms lines coupons credits credits_after_tax drawing true_ups".split()
PAID = ("line_id", "total", "paid_in_unit", "cost_share")  # no part of what a line is computed from

def require(is_so, what): is_so or sys.exit(f"different: {what}")  # a text ends with exit code 1
def canonical(value):  # RFC 8785: names are ASCII and numbers integers, so that sorting is enough
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
def digest(value): return value if value is None else hashlib.sha256(canonical(value)).hexdigest()
def without(value, *names): return {k: v for k, v in value.items() if k not in names}
def unbase64(text): return base64.urlsafe_b64decode(text + "==")
def measure(charge, terms, inputs, events):  # price, billable quantity and events of each line
    groups, used = rules.groups_of(charge, events), 0
    due = {group: (pricing, 0, 0) for group, (pricing, _) in groups.items()}
    for one in rules.of_charge(charge, inputs["usage"]):
        window, meter = one["window"], charge["meter"]
        found = {group: rules.aggregate(meter, window, own) for group, (_, own) in groups.items()}
        count, n = map(sum, zip(*found.values()))
        require((count, n) == (one["event_count"], F(one["aggregate"])), f"{meter['name']}: {n}")
        for group, (count, n) in found.items():
            before, used = used, used + max(0, n)
            if not window.get("is_earlier"):  # else an earlier bill had them
                own = rules.billable(charge, terms, used) - rules.billable(charge, terms, before)
                due[group] = due[group][0], due[group][1] + own, due[group][2] + count
        used *= window.get("is_earlier", 0)
    return [one for one in due.values() if one[2] or () in due] or [due["others"]]
def check_charge(charge, terms, inputs, lines, events, places):
    spans = charge.get("spans", [{**inputs, "quantity": 1}])  # an add-on has one for each quantity
    due = [(charge["pricing"], rules.share_of(e) * F(e["quantity"]), 0) for e in spans]
    if charge.get("meter"): due = measure(charge, terms, inputs, events)
    amounts, said = [rules.price(*one) for one in due], [rules.amount_of(one) for one in lines]
    if charge.keys() & rules.bounds(inputs):  # which are of all its lines together
        amounts, said = [rules.hold(sum(amounts), charge, inputs)], [sum(said)]
    places = charge.get("unit", {"scale": places})["scale"]
    found = [rules.rounded(one, places) for one in amounts]
    require(found == said, f"charge {charge['charge_id']} comes to {[*map(str, found)]}")
def verify(document, events, keys):
    receipt, lines = document["receipt"], document["lines"]
    terms, inputs = document.get("terms") or {}, document.get("inputs") or {}
    signed, places = without(receipt, "digest", "signature"), receipt["currency_places"]
    require(digest(signed) == receipt["digest"].lower(), "the receipt's digest")  # none: unusable
    [key] = [unbase64(one["x"]) for one in keys["keys"] if one["kid"] == receipt["key_id"]]
    try: PublicKey.from_public_bytes(key).verify(unbase64(receipt["signature"]), canonical(signed))
    except InvalidSignature: require(False, "the receipt's signature")
    add_ons = [{**one["charge"], "spans": one["spans"]} for one in inputs.get("add_ons", ())]
    charges = {one["charge_id"]: one for one in terms.get("charges", []) + add_ons}
    own = [e for e in lines if e.get("charge_id") in charges and e["type"] != "late_usage"]
    for charge in (one for one in charges.values() if rules.is_due(one, inputs, own)):
        check_charge(charge, terms, inputs, rules.of_charge(charge, own), events, places)
    written = [without(one, *PAID) for one in (own if terms else lines)]
    for name in PARTS:  # receipts of before name fewer
        found = digest({**document, "lines": written}.get(name))
        require(receipt.get(f"{name}_digest", found) == found, name)
    credit.check_units(document, places, require)
    if document.get("drawing"): credit.check_draws(document, places, require)
    if document.get("true_ups"): commitments.check(document, require)
    off = sum((one["lines"] for one in document.get("coupons", ())), document.get("credits", []))
    taxable = sum(F(one["total"]) for one in lines + off if one.get("is_taxable", True))
    within = 100 + sum(F(tax["percentage"]) for tax in document["taxes"] if tax["is_inclusive"])
    rates = [F(tax["percentage"]) for tax in document["taxes"] if not tax["is_inclusive"]]
    taxes = (rules.rounded(taxable * rate / within, places) for rate in rates)
    total = sum([F(one["total"]) for one in lines + off] + [*taxes])
    require(total == F(receipt["total"]), f"total {total}, signed was {receipt['total']}")
    print(f"{receipt['invoice_number']}: {receipt['total']} {receipt['currency']}")

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey as PublicKey
    import rules, commitments, credit  # the other pages
    files = [open(one, encoding="utf-8") for one in sys.argv[1:] if one != "--keys"]
    document, events, keys = json.load(files[0]), [*map(json.loads, files[1])], json.load(files[2])
    for error in (one["detail"] for one in (document, keys, *events) if "detail" in one):
        print(f"unusable: this is an answer of an error, {error}", file=sys.stderr), sys.exit(2)
    for one in events: one.update(at=rules.instant(one["timestamp"]), value=F(one["quantity"]))
    verify(document, sorted(events, key=lambda e: (e["at"], e["sequence"])), keys)
except Exception as error:  # whatever it is, nothing was compared to its end
    name = getattr(error, "name", "")
    lacks = name in ("commitments", "credit", "rules") and f"{name}.py must lie beside verify.py"
    print(f"unusable: {lacks or repr(error)}", file=sys.stderr), sys.exit(2)
