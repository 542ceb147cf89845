"""Deductions: what credit pays of a bill before its taxes and after them, and these taxes."""

from __future__ import annotations

from collections.abc import Sequence

from billing.credits.bills import AvailableCredit, Billed, taken_off
from billing.credits.drawing import NOTHING_DRAWN, Drawing
from billing.invoicing.taxes import AnyRate, TaxAmount, added_tax, calculate_taxes
from billing.money import ZERO, Currency, exactly


@exactly
def tax_and_credit(
    billed: Sequence[Billed],
    rates: Sequence[AnyRate],
    currency: Currency,
    credit: AvailableCredit | None,
) -> tuple[tuple[TaxAmount, ...], Drawing, Drawing]:
    """Give the taxes, and what credit pays before them and after them.

    Source: CREDITS 13.
    """
    taxable = sum((one.line_total + one.cost_share for one in billed if one.is_taxable), ZERO)
    taxes = calculate_taxes(taxable, rates, currency)
    if credit is None:
        return taxes, NOTHING_DRAWN, NOTHING_DRAWN
    net = credit.pay_net(billed, added_tax(taxes))
    if net.draws:
        taxes = calculate_taxes(taxable - taken_off(net, billed), rates, currency)
    owed = sum((one.line_total for one in billed), ZERO) - net.amount + added_tax(taxes)
    return taxes, net, credit.pay_gross(net.left, added_tax(taxes), owed)
