"""commitments.py is the third page of verify.py, for invoices with true-ups: what is missing of a
commitment, or is beyond it. Signed are the terms, and what other documents say of its periods."""
from fractions import Fraction as F
import rules

def own_of(term, document):  # what this invoice says of the charges, after coupons
    of, periods = term["commitment"].get("charge_ids"), {e["period_index"] for e in term["periods"]}
    is_for = lambda one: "charge_id" in one and (not of or one["charge_id"] in of)
    own = 0
    for line in (e for e in document["lines"] if "priced_in" not in e):
        if line["type"] in ("late_usage", "invoiced_before"):  # of which periods, it says
            said = [e for e in line["corrections"] if e["period_index"] in periods and is_for(e)]
            own += sum(F(one["amount"]) for one in said)
        elif "own_index" in term and is_for(line):
            own += F(line["total"])
    for one in [line for coupon in document.get("coupons", ()) for line in coupon["lines"]]:
        line = document["lines"][one["line"]]
        own += F(one["total"]) * ("own_index" in term and is_for(line) and "priced_in" not in line)
    return own

def owed(term):  # for the whole term, beside its lines
    of, spent, share = term["commitment"], F(term.get("own", 0)), 0
    for one in term["periods"]:
        spent += F(one.get("billed", 0))
        share += F(one.get("covered", 1), one.get("total", 1))
    missing = F(of["amount"]) * share / of.get("term_periods", 1) - spent
    due = missing if missing >= 0 else -missing * (F(of.get("overage_factor", 1)) - 1)
    return max(due, F(term["given_back"])) if "given_back" in term else due

def check(document, require):  # less what earlier invoices billed of it
    lines, places = document["lines"], document["receipt"]["currency_places"]
    found = {place for place, line in enumerate(lines) if line["type"] == "true_up"}
    require(found == {one["line"] for one in document["true_ups"]}, "which lines are true-ups")
    for one in document["true_ups"]:
        own, said = own_of(one, document), F(one.get("said", 0))
        require(own == F(one.get("own", 0)), f"the charges of the commitment come to {own}")
        is_last = one.get("own_index") == one["periods"][-1]["period_index"]
        is_signed = not is_last or one["commitment"] in document["terms"]["commitments"]
        require(is_signed, f"commitment {one['commitment']['commitment_id']}")
        due = rules.rounded(owed(one), places) - said
        require(due == F(lines[one["line"]]["total"]), f"line {one['line'] + 1}, true-up {due}")
