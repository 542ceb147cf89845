"""Files of receipts, computed again by the code at hand: what an upgrade must not change.

A file is a ``receipt.json`` with its events beside it; no database is needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from billing.commitments.true_ups import TermBill
from billing.credits.evidence import DrawingRecord, draw_again
from billing.invoicing.explanations import first_difference
from billing.invoicing.invoices import InvoiceLine as BilledLine
from billing.invoicing.invoices import round_line
from billing.invoicing.receipts import digest, from_document
from billing.invoicing.taxes import TaxAmount, added_tax, calculate_taxes
from billing.invoicing.true_ups import said_of
from billing.metering.aggregations import MeterTerms
from billing.metering.tallies import Measurement, conclude, level_after, tally_up
from billing.money import ZERO, find_currency, plain_text
from billing.periods import Period
from billing.rating.frozen_usage import FrozenUsage, rate
from billing.rating.lines import PricedLine, as_computed, paid_as
from billing.rating.quantities import MeteredUsage
from billing.rating.terms import PlanTerms
from billing.ratios import add_up, as_decimal
from repositories.usage.period_usage import BEGINNING
from services.documents.deductions import PARTS
from services.invoicing.proofs import is_computed


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptFile:
    """A receipt with terms, inputs and lines, and the events that its invoice counted."""

    document: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]]

    @classmethod
    def parse(cls, receipt: bytes, events: bytes) -> ReceiptFile:
        """Read the two files. Raises ValueError."""
        lines = [json.loads(line) for line in events.decode().split("\n") if line]
        return cls(document=json.loads(receipt), events=lines)


def differences(file: ReceiptFile) -> Iterator[str]:
    """Where the code at hand comes to something else than the receipt says, as sentences."""
    document, receipt = file.document, file.document["receipt"]
    frozen = from_document(FrozenUsage, document["inputs"])
    terms = from_document(PlanTerms, document["terms"])
    billed = [_line(one) for one in document["lines"]]
    own = [one for one in billed if is_computed(one.line)]
    digests = {
        "inputs_digest": digest(frozen),
        "terms_digest": digest(terms),
        "lines_digest": digest(as_computed(one.line for one in own)),
    }
    for name, found in digests.items():
        if found != receipt[name]:
            yield f"{name} is {found}, and was {receipt[name]}"
    yield from _differences_of_usage(file, frozen, terms)
    currency = find_currency(document["currency"])
    computed = paid_as(rate(terms, frozen), [one.line for one in own])
    again = [round_line(line, currency) for line in computed]
    difference = first_difference(own, again)
    if difference is not None:
        yield (
            f"line {difference.place + 1}: {difference.field} was {difference.billed},"
            f" and comes out as {difference.recomputed}"
        )
    yield from _differences_of_true_ups(document, billed)
    yield from _differences_of_draws(document)
    yield from _differences_of_total(document, billed)


def _differences_of_true_ups(
    document: Mapping[str, Any], billed: Sequence[BilledLine]
) -> Iterator[str]:
    """What commitments add against what that was computed from."""
    currency = find_currency(document["currency"])
    off = [line for one in document.get("coupons", ()) for line in one["lines"]]
    left = [
        (
            one.line,
            as_decimal(
                add_up(
                    (
                        one.line_total,
                        *(Decimal(share["total"]) for share in off if share["line"] == place),
                    )
                )
            ),
        )
        for place, one in enumerate(billed)
    ]
    for one in document.get("true_ups", ()):
        held = {name: value for name, value in one.items() if name not in {"line", "line_id"}}
        said = from_document(TermBill, held)
        amount = currency.round(said.with_own(said_of(left, said)).left_to_say(currency))
        if amount != billed[one["line"]].line_total:
            yield f"line {one['line'] + 1}: the commitment comes out as {plain_text(amount)}"


def _differences_of_draws(document: Mapping[str, Any]) -> Iterator[str]:
    """What is taken off against what was signed, and draws against their lots."""
    for name in PARTS:
        found = digest(document[name]) if name in document else None
        # Receipts of the first format signed nothing of it.
        if document["receipt"].get(f"{name}_digest", found) != found:
            yield f"{name} are not those that were signed"
    if "drawing" not in document:
        return
    said = {
        (one["line"], one["grant_id"]): (Decimal(one["amount"]), -Decimal(one["total"]))
        for name in ("credits", "credits_after_tax")
        for one in document[name]
    }
    drawn = draw_again(from_document(DrawingRecord, document["drawing"]))
    again = {(one.position, str(one.grant_id)): (one.amount, one.money) for one in drawn}
    for line, grant in sorted(said.keys() | again.keys()):
        (paid, worth), (pays, money) = (
            found.get((line, grant), (ZERO, ZERO)) for found in (said, again)
        )
        if paid != pays:
            yield f"line {line + 1}: grant {grant} paid {paid}, and pays {pays}"
        elif worth != money:
            yield f"line {line + 1}: what grant {grant} paid was {worth}, and comes out as {money}"


def _differences_of_usage(
    file: ReceiptFile, frozen: FrozenUsage, terms: PlanTerms
) -> Iterator[str]:
    meters = {one.meter.meter_id: one.meter for one in terms.charges if one.meter is not None}
    for one in frozen.usage:
        found = _measure(file, meters[one.window.meter_id], one)
        if found != (one.aggregate, one.event_count):
            yield f"usage was {one.aggregate} by {one.event_count}, and comes out as {found}"


def _measure(file: ReceiptFile, meter: MeterTerms, usage: MeteredUsage) -> tuple[object, int]:
    measured = [
        Measurement(
            at=datetime.fromisoformat(event["timestamp"]),
            sequence=event["sequence"],
            value=Decimal(event["quantity"]),
            distinct_key=event["distinct"],
        )
        for event in file.events
        if event["meter_id"] == str(meter.meter_id)
    ]
    period = Period(starts_at=usage.window.starts_at, ends_at=usage.window.ends_at)
    tally, carried = tally_up(measured, period), ZERO
    if meter.carry_forward:
        before = Period(starts_at=BEGINNING, ends_at=period.starts_at)
        carried = level_after(meter.aggregation, tally_up(measured, before))
    return conclude(meter.aggregation, tally, period, carried=carried), tally.event_count


def _differences_of_total(
    document: Mapping[str, Any], billed: Sequence[BilledLine]
) -> Iterator[str]:
    currency = find_currency(document["currency"])
    taxes = [from_document(TaxAmount, one) for one in document["taxes"]]
    off = [*document.get("credits", ())]
    off += [line for coupon in document.get("coupons", ()) for line in coupon["lines"]]
    taken = add_up(Decimal(one["total"]) for one in off)
    taxable = add_up(
        (
            *(one.line_total for one in billed if one.line.is_taxable),
            *(Decimal(one["total"]) for one in off if one["is_taxable"]),
        )
    )
    again = calculate_taxes(as_decimal(taxable), taxes, currency)
    if list(again) != taxes:
        yield f"the taxes come out as {[plain_text(one.amount) for one in again]}"
    total = as_decimal(add_up((*(one.line_total for one in billed), taken, added_tax(again))))
    if total != Decimal(document["receipt"]["total"]):
        yield f"the total was {document['receipt']['total']}, and comes out as {plain_text(total)}"


def _line(held: Mapping[str, Any]) -> BilledLine:
    priced = {name: value for name, value in held.items() if name not in {"line_id", "total"}}
    return BilledLine(line=from_document(PricedLine, priced), line_total=Decimal(held["total"]))
