"""Credit notes: what may be given back of an amount that was billed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from billing.errors import Conflict, InvalidInput
from billing.invoicing.taxes import AnyRate, TaxAmount, added_tax, calculate_taxes
from billing.money import ZERO, Currency, exactly
from billing.units import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNote:
    """What a credit note gives back, in whole minor units; ``total`` = ``subtotal`` + ``tax``."""

    subtotal: Decimal
    tax: Decimal
    total: Decimal


def require_creditable(*, left: Decimal, amount: Decimal, unit: Currency | Unit) -> None:
    """Refuse a credit that is no positive amount of ``unit`` or more than is ``left`` of a line.

    The unit is what the line is priced in, by default the currency.

    Raises: InvalidInput ``invalid_amount``; Conflict ``credit_exceeds_line`` with what is left.
    Source: CONTRACT 18, 55, 80, 82. Worked example: of a line of 82.45 with 80.00 given back 2.45
    are left.
    """
    if amount <= ZERO or amount != unit.round(amount):
        raise InvalidInput(
            f"A credit is a positive amount of {unit.code}.",
            code="invalid_amount",
            field="amount",
        )
    if amount > left:
        rest = f"{unit.round(max(ZERO, left)):f}"
        raise Conflict(
            f"Of this line {rest} can still be credited.",
            code="credit_exceeds_line",
            field="amount",
            left=rest,
        )


@exactly
def credited_taxes(
    *, amount: Decimal, credited_before: Decimal, rates: Sequence[AnyRate], currency: Currency
) -> tuple[TaxAmount, ...]:
    """Give what each rate gives back with ``amount`` of an invoice's taxable lines.

    ``rates`` are those that the invoice was taxed by. The tax of all credits so far is computed on
    their sum, so that crediting an invoice in any number of parts gives back exactly its tax; lines
    below zero, which lowered it, lower no credit. Where a note of a cent or two would be all tax
    that it contains, its last cent is net. Source: CONTRACT 55. Worked example: of lines that
    contain 20 %, 0.01 after 0.02 gives back no tax, though 0.03 contain a cent.
    """
    before = calculate_taxes(credited_before, rates, currency)
    after = calculate_taxes(credited_before + amount, rates, currency)
    given = [
        replace(now, taxable=now.taxable - then.taxable, amount=now.amount - then.amount)
        for then, now in zip(before, after, strict=True)
    ]
    contained = sum((one.amount for one in given if one.is_inclusive), ZERO)
    excess = contained - max(ZERO, amount - currency.minor_unit)
    # The last rates give way first.
    for place, one in reversed([*enumerate(given)]):
        if one.is_inclusive and excess > ZERO:
            cut = min(one.amount, excess)
            given[place] = replace(one, amount=one.amount - cut)
            excess -= cut
    return tuple(given)


@exactly
def credit_note(
    *, amount: Decimal, credited_before: Decimal, rates: Sequence[AnyRate], currency: Currency
) -> CreditNote:
    """Give a credit note over ``amount`` of an invoice's taxable lines, with its share of the tax.

    Tax that the lines contain is part of ``amount``, so that the subtotal is net as on the invoice.
    Source: CONTRACT 55.
    Worked examples: of 100 with 18 % tax on top, 50 gives back 50 and 9; of 118 that contain 18 %,
    59 gives back 50 and 9.
    """
    taxes = credited_taxes(
        amount=amount, credited_before=credited_before, rates=rates, currency=currency
    )
    on_top = added_tax(taxes)
    contained = sum((one.amount for one in taxes if one.is_inclusive), ZERO)
    return CreditNote(subtotal=amount - contained, tax=contained + on_top, total=amount + on_top)


@exactly
def taxes_of_note(
    *,
    tax: Decimal,
    amount: Decimal,
    credited_before: Decimal,
    rates: Sequence[AnyRate],
    currency: Currency,
) -> tuple[TaxAmount, ...]:
    """Give what each rate gave back with a note of ``amount`` whose whole tax is ``tax``.

    Notes were once written without the tax that their lines contain, and stay what they were.
    """
    given = credited_taxes(
        amount=amount, credited_before=credited_before, rates=rates, currency=currency
    )
    if sum((one.amount for one in given), ZERO) == tax:
        return given
    return tuple(one for one in given if not one.is_inclusive)
