"""Explanations: the whole arithmetic of a line, and the first place where two bills differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from typing import Final

from billing.credits.grants import Place
from billing.invoicing.invoices import InvoiceLine
from billing.invoicing.receipts import Document, canonical_bytes, to_document
from billing.money import exactly, find_currency, plain_text
from billing.pricing import TierAmount
from billing.rating.lines import CalculationStep, step

ROUNDING: Final = "half away from zero"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDifference:
    """Where a recomputed bill first differs: the line's place, the field, and both values.

    A line that only one of the bills has differs in the field ``line``.
    """

    place: int
    field: str
    billed: str | None
    recomputed: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedDraw:
    """What a grant pays of a line: ``amount`` in its unit, ``money`` in the bill's currency."""

    grant_id: str
    unit: str
    amount: Decimal
    money: Decimal
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deducted:
    """What is taken off a line: by coupons, each by its code, and by grants.

    ``parts`` are what grants could pay, with tax where they pay ``after_tax``, and in the own unit
    where they pay :data:`IN_UNITS`: place, instant from which on it was used, and amount.
    """

    coupons: Sequence[tuple[str, Decimal]] = ()
    draws: Sequence[ExplainedDraw] = ()
    parts: Sequence[tuple[str, str, Decimal]] = ()


NOTHING_DEDUCTED: Final = Deducted()

IN_UNITS: Final = "in_units"
"""Where grants pay of a line in its own unit, before that becomes money."""


def explain_line(
    invoice_line: InvoiceLine, deducted: Deducted = NOTHING_DEDUCTED
) -> tuple[CalculationStep, ...]:
    """Give every step of a line, from the aggregate over its tiers to the rounded amount.

    Of a line in an own unit follows what credit pays of it there, what is left in money, and what
    that credit had cost, where it is taxed with the line. What
    coupons take off it follows, then for credit that pays before tax, and for credit that pays with
    it, when that was used and which grant pays how much. Source: CONTRACT section 6.
    """
    own = invoice_line.line.own_unit
    in_units = [one for one in deducted.draws if one.unit == own]
    money = [one for one in deducted.draws if one.unit != own]
    return (
        *_steps(invoice_line),
        *_credit_steps(in_units, deducted, IN_UNITS),
        *_overage_steps(invoice_line),
        *_coupon_steps(invoice_line, deducted.coupons),
        *(
            one
            for place in Place
            for one in _credit_steps(
                [drawn for drawn in money if drawn.place == place], deducted, place.value
            )
        ),
    )


def first_difference(
    billed: Sequence[InvoiceLine], recomputed: Sequence[InvoiceLine]
) -> LineDifference | None:
    """Give the first difference between two bills, in the order of lines and fields, or None."""
    for place, (old, new) in enumerate(zip_longest(billed, recomputed)):
        if old == new:
            continue
        before, after = _flat_document(old), _flat_document(new)
        for field in dict.fromkeys((*before, *after)):
            left, right = before.get(field), after.get(field)
            if left != right:
                return LineDifference(
                    place=place, field=field, billed=_text(left), recomputed=_text(right)
                )
    return None


def _steps(invoice_line: InvoiceLine) -> Iterator[CalculationStep]:
    line = invoice_line.line
    for one in line.steps:
        if one.name == "price":
            yield from (_tier_step(tier) for tier in line.tiers if tier.adjustment is None)
        yield one
    yield step(
        "round",
        invoice_line.line_total if line.priced_in is None else line.amount,
        exact_amount=line.exact_amount,
        places=line.amount_unit.scale,
        rule=ROUNDING,
        unit=line.own_unit,
    )


def _overage_steps(invoice_line: InvoiceLine) -> Iterator[CalculationStep]:
    """How what credit left of a line in an own unit became money."""
    line = invoice_line.line
    if line.priced_in is None:
        return
    yield step("pay_in_unit", line.rest, amount=line.amount, paid_by_credit=line.paid_in_unit)
    yield step(
        "overage",
        line.rest_money,
        rest=line.rest,
        overage_rate=line.overage_rate,
        places=find_currency(line.currency).exponent,
        rule=ROUNDING,
    )
    if line.cost_share:
        yield step(
            "cost_share",
            invoice_line.line_total,
            rest=line.rest_money,
            cost_of_credit=line.cost_share,
        )


@exactly
def _coupon_steps(
    invoice_line: InvoiceLine, coupons: Sequence[tuple[str, Decimal]]
) -> list[CalculationStep]:
    left = invoice_line.line_total - invoice_line.line.cost_share
    steps = []
    for code, amount in coupons:
        steps.append(step("coupon", left - amount, code=code, before=left, amount=amount))
        left -= amount
    return steps


@exactly
def _credit_steps(
    draws: Sequence[ExplainedDraw], deducted: Deducted, place: str
) -> list[CalculationStep]:
    """When what these draws of one place pay was used, and which grant pays how much of it."""
    if not draws:
        return []
    steps = [
        step("used", amount, used_at=at, place=place)
        for part, at, amount in deducted.parts
        if part == place
    ]
    for one in draws:
        named = {"grant_id": one.grant_id, "unit": one.unit, "place": place}
        paid = one.amount if place == IN_UNITS else one.money
        steps.append(step("credit", paid, amount=one.amount, **named))
    return steps


def _tier_step(tier: TierAmount) -> CalculationStep:
    return step(
        "tier",
        tier.amount,
        starts_from=tier.starts_from,
        up_to=tier.up_to,
        quantity=tier.quantity,
        unit_price=tier.unit_price,
        flat_fee=tier.flat_fee,
    )


def _flat_document(invoice_line: InvoiceLine | None) -> dict[str, Document]:
    if invoice_line is None:
        return {}
    document = to_document(invoice_line.line)
    fields = document if isinstance(document, dict) else {}
    return {
        "line": fields["name"],
        "line_total": plain_text(invoice_line.line_total),
        **fields,
    }


def _text(value: Document) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return canonical_bytes(value).decode()
