"""What a credit note gives back of lines in own units: to grants in these, and the rest in money.

Source: CREDITS 14 and 17.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from billing.credits.returns import Paid, Returned
from billing.credits.unit_returns import UnitLine, return_in_unit
from billing.money import ZERO, exactly, find_currency
from models.invoicing.invoices import InvoiceLine
from services.documents.contents import priced_line_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What notes have given back of an invoice's lines before this one.

    ``credited`` is in what each line is priced in, ``money`` in the currency, before tax and
    without shares of cost. ``discounts`` are
    what coupons took off the money of each line, ``paid`` what grants in own units have paid of it
    and not got back, both by position.
    """

    credited: Mapping[UUID, Decimal]
    money: Mapping[UUID, Decimal]
    discounts: Mapping[int, Decimal]
    paid: Mapping[int, Sequence[Paid]]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitParts:
    """What goes back to grants in own units, and what of each line is to be given back in money.

    ``costs`` are what of each line's cost shares goes back besides.
    """

    money: Mapping[UUID, Decimal] = field(default_factory=dict)
    costs: Mapping[UUID, Decimal] = field(default_factory=dict)
    returned: tuple[Returned, ...] = ()


@exactly
def split_units(
    rows: Iterable[InvoiceLine],
    given: Mapping[UUID, Decimal],
    noted: Noted,
    *,
    due: Decimal,
    currency: str,
) -> UnitParts:
    """Split what a note gives back of its lines, of those in own units into these and money.

    ``due`` is what is still due of the invoice before tax: lines lower it in their order.
    """
    money: dict[UUID, Decimal] = {}
    costs: dict[UUID, Decimal] = {}
    returned: list[Returned] = []
    for row in rows:
        amount = given.get(row.id, ZERO)
        if amount > ZERO and row.amount_in_unit is not None:
            parts = return_in_unit(_line_of(row, amount, noted), due, find_currency(currency))
            returned += parts.returned
            amount, costs[row.id] = parts.money, parts.cost
        money[row.id] = amount
        due -= min(amount, due)
    return UnitParts(money=money, costs=costs, returned=tuple(returned))


def _line_of(row: InvoiceLine, amount: Decimal, noted: Noted) -> UnitLine:
    priced = priced_line_of(row)
    paid = tuple(noted.paid.get(row.position, ()))
    left = sum((one.left for one in paid), ZERO)
    money = row.line_total - priced.cost_share - noted.discounts.get(row.position, ZERO)
    return UnitLine(
        position=row.position,
        unit=priced.amount_unit,
        amount=amount,
        paid=paid,
        rest=priced.rest,
        rest_left=priced.amount - noted.credited.get(row.id, ZERO) - left,
        money=money,
        money_left=money - noted.money.get(row.id, ZERO),
    )
