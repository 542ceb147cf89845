"""Wording: the label of a line with what was computed in brackets, and one row per tier.

How money and numbers look depends on the currency's locale and is decided above; the two formatters
are given by the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from billing.money import (
    DECIMAL_PLACES,
    ONE,
    ZERO,
    exactly,
    find_currency,
    plain_text,
    round_half_away,
    shortest,
)
from billing.pricing import Formatter, StepInputs, TierAmount, describe_price
from billing.rating.lines import PricedLine
from billing.rating.proration import ProrationBasis, Share
from billing.ratios import Exact

_MICROSECONDS_A_DAY: Final = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TierText:
    """A tier's row: what was computed, and the exact amount that belongs at the right edge."""

    text: str
    amount: Decimal


def group_digits(number: Decimal) -> str:
    """Write a number with commas between thousands. Worked example: 82450.50 is ``82,450.5``."""
    return format(shortest(number), ",f")


def describe_line(line: PricedLine, *, price: Formatter, quantity: Formatter = group_digits) -> str:
    """Give a line's label with its arithmetic in brackets.

    Source: CONTRACT 34 and 59. Worked examples: ``API Calls (82,450 calls × $0.001)``,
    ``API Calls (1,500 calls − 1,000 included = 500 × $0.001)``, ``Platform fee (17 of 31 days)``,
    ``Seats (3 × $10, 17 of 31 days)``.
    """
    if line.usage_quantity is None:
        told = _fixed_texts(line, price, quantity)
        return f"{line.name} ({', '.join(told)})" if told else line.name
    computed = _quantity_text(line, quantity) + _model_text(line, price, quantity)
    if line.bound is not None:
        computed += f", {line.bound.replace('_', '-')} {price(_bounded_amount(line))}"
    return f"{line.name} ({computed})"


def describe_tiers(
    line: PricedLine, *, price: Formatter, quantity: Formatter = group_digits
) -> tuple[TierText, ...]:
    """Give one row per tier of a line, none for models without tiers.

    Source: CONTRACT 34. Worked example: ``1,001–10,000: 9,000 × $0.001`` with 9.000.
    """
    return tuple(
        TierText(text=_tier_text(tier, price, quantity), amount=shown_number(tier.amount))
        for tier in line.tiers
    )


def describe_rest(
    line: PricedLine, *, price: Formatter, quantity: Formatter = group_digits, paid_by: str
) -> tuple[str, ...]:
    """Say of a line in an own unit what credit pays, and how the rest becomes money; else nothing.

    Then what that credit had cost, where it is taxed with the line. Worked example:
    ``120.5 TOKENS − 100 Prepaid credit = 20.5 TOKENS × $0.02``, and ``Prepaid credit = $1.00``.
    """
    if line.own_unit is None:
        return ()
    rate = price(line.overage_rate or ZERO)
    rest = f"{quantity(line.rest)} {line.own_unit} × {rate}"
    if line.paid_in_unit == ZERO:
        return (rest,)
    whole = f"{quantity(line.amount)} {line.own_unit}"
    paid = f"{whole} − {quantity(line.paid_in_unit)} {paid_by} = {rest}"
    if line.cost_share == ZERO:
        return (paid,)
    return (paid, f"{paid_by} = {price(line.cost_share)}")


@exactly
def describe_term(line: PricedLine, *, price: Formatter, words: Mapping[str, str]) -> list[str]:
    """Say of a line of a commitment what it was computed from, in a language; else nothing.

    Worked example: ``$12,000.00 committed − $9,000.00 billed``.
    """
    bill = line.true_up
    if bill is None:
        return []
    text = words["term_above" if bill.is_beyond else "term_below"].format(
        committed=price(find_currency(line.currency).round(bill.committed)),
        spent=price(bill.spent),
        factor=plain_text(bill.commitment.overage_factor),
    )
    return [text, words["term_said"].format(said=price(bill.said))] if bill.said else [text]


def describe_share(
    share: Share, *, days: str = "{covered} of {total} days", percent: str = "{part}% of the period"
) -> str:
    """Give the part of a period in the words of a language. Worked example: ``17 of 31 days``."""
    covered, total = share.covered, share.total
    if share.basis is ProrationBasis.SECOND:
        if covered % _MICROSECONDS_A_DAY or total % _MICROSECONDS_A_DAY:
            part = round_half_away(Decimal(100 * covered), 2, divisor=Decimal(total))
            return percent.format(part=plain_text(part))
        covered, total = covered // _MICROSECONDS_A_DAY, total // _MICROSECONDS_A_DAY
    return days.format(covered=covered, total=total)


def shown_number(number: Exact) -> Decimal:
    """Give what people read of a number whose digits never end: 20 of its places."""
    if isinstance(number, Decimal):
        return number
    return round_half_away(number, DECIMAL_PLACES)


def _fixed_texts(line: PricedLine, price: Formatter, quantity: Formatter) -> list[str]:
    """What of a fixed charge is not plain: how many there are of it, and of which share."""
    share, told = line.share, []
    if share is not None and line.unit_amount is not None and line.quantity != ONE:
        told.append(f"{quantity(shown_number(line.quantity))} × {price(line.unit_amount)}")
    if share is not None and not share.is_whole:
        told.append(describe_share(share))
    return told


def _quantity_text(line: PricedLine, quantity: Formatter) -> str:
    text = quantity(shown_number(line.usage_quantity or ZERO)) + (
        f" {line.unit}" if line.unit else ""
    )
    taken_off = [
        (line.included_quantity or ZERO, "included"),
        (line.waived_quantity or ZERO, "waived"),
    ]
    parts = [f" − {quantity(shown_number(amount))} {word}" for amount, word in taken_off if amount]
    if not parts:
        return text
    return f"{text}{''.join(parts)} = {quantity(shown_number(line.quantity))}"


def _model_text(line: PricedLine, price: Formatter, quantity: Formatter) -> str:
    priced = next((one for one in line.steps if one.name == "price"), None)
    shown = StepInputs(
        inputs={} if priced is None else priced.inputs, price_text=price, quantity_text=quantity
    )
    return describe_price(line.model, shown)


def _tier_text(tier: TierAmount, price: Formatter, quantity: Formatter) -> str:
    if tier.adjustment is not None:
        return tier.adjustment.replace("_", "-")
    terms = []
    if tier.unit_price or not tier.flat_fee:
        terms.append(f"{quantity(shown_number(tier.quantity))} × {price(tier.unit_price)}")
    if tier.flat_fee:
        terms.append(price(shown_number(tier.flat_fee)))
    return f"{_range_text(tier, quantity)}: {' + '.join(terms)}"


@exactly
def _range_text(tier: TierAmount, quantity: Formatter) -> str:
    # Whole numbers read as in a price list (1,001–10,000), although 1,000.5 is in that tier too.
    lower = tier.starts_from
    first = lower + 1 if lower and lower == lower.to_integral_value() else lower
    if tier.up_to is None:
        return f"{quantity(first)}+"
    return f"{quantity(min(first, tier.up_to))}–{quantity(tier.up_to)}"


def _bounded_amount(line: PricedLine) -> Decimal:
    if isinstance(line.exact_amount, Decimal):
        return line.exact_amount
    return line.amount
