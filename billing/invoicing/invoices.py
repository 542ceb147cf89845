"""Invoicing: rounded lines, taxes and totals; and the states an invoice can be in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from billing.commitments.true_ups import TermBill
from billing.credits.bills import AvailableCredit, Billed
from billing.credits.drawing import Draw
from billing.credits.evidence import DrawingRecord, record_drawing
from billing.credits.own_units import pay_in_units
from billing.discounts.discounting import (
    AvailableCoupons,
    Discount,
    Discountable,
    discount,
    off_by_line,
    total_of,
)
from billing.errors import InvalidTransition, InvariantBroken
from billing.invoicing.deductions import tax_and_credit
from billing.invoicing.plain_lines import carry_line, credit_line
from billing.invoicing.taxes import (
    Address,
    TaxAmount,
    TaxRate,
    TaxStatus,
    added_tax,
    match_rates,
    tax_status,
)
from billing.invoicing.true_ups import true_up_lines
from billing.money import ZERO, Currency, exactly
from billing.rating.lines import PricedLine, has_matching_tiers


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """A priced line with its rounded total."""

    line: PricedLine
    line_total: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceTotals:
    """The money side of an invoice. Units: major units, whole minor units of ``currency``.

    ``subtotal`` is net, ``tax`` the sum of ``taxes``, ``total`` what the customer is billed, less
    what coupons take off (``discounts``) and credit pays before taxes.
    ``draws`` are what prepaid credit pays of which line, ``credits_before_tax`` and
    ``credits_after_tax`` in all: the first is not in ``total``, the second pays of it, with what
    own units had cost that are taxed as they are used.
    ``drawing`` is what they were decided from.
    ``carried_credit`` is what a bill below zero leaves to the customer, ``granted_credit`` what
    this one takes of what earlier ones left (CONTRACT 48, 81).
    """

    currency: str
    lines: tuple[InvoiceLine, ...]
    subtotal: Decimal
    taxes: tuple[TaxAmount, ...]
    tax: Decimal
    total: Decimal
    tax_status: TaxStatus
    carried_credit: Decimal = ZERO
    granted_credit: Decimal = ZERO
    draws: tuple[Draw, ...] = ()
    credits_before_tax: Decimal = ZERO
    credits_after_tax: Decimal = ZERO
    discounts: tuple[Discount, ...] = ()
    drawing: DrawingRecord | None = None

    @property
    def has_true_ups(self) -> bool:
        """Whether commitments add lines to it."""
        return any(one.line.true_up is not None for one in self.lines)

    @property
    def coupons_total(self) -> Decimal:
        """What coupons take off in all."""
        return total_of(self.discounts)

    @property
    def draws_units(self) -> bool:
        """Whether credit in own units pays of it, which is no money."""
        return any(one.unit is not None for one in self.draws)

    @property
    @exactly
    def amount_due(self) -> Decimal:
        """What is left to pay of it by money."""
        return self.total - self.credits_after_tax

    @property
    @exactly
    def credits_total(self) -> Decimal:
        """What prepaid credit pays of it in all."""
        return self.credits_before_tax + self.credits_after_tax

    def __post_init__(self) -> None:
        if any(one.line.currency != self.currency for one in self.lines):
            raise InvariantBroken("An invoice has one currency.")
        with_tax = self.subtotal - self.coupons_total - self.credits_before_tax + self.tax
        inclusive = sum((one.amount for one in self.taxes if one.is_inclusive), ZERO)
        billed = sum((one.line_total for one in self.lines), ZERO)
        if with_tax != self.total or self.subtotal + inclusive != billed:
            raise InvariantBroken("The lines and taxes of an invoice do not add up to its total.")


@exactly
def assemble_invoice(
    lines: Sequence[PricedLine],
    tax_rates: Sequence[TaxRate],
    address: Address,
    currency: Currency,
    *,
    available_credit: Decimal = ZERO,
    credit: AvailableCredit | None = None,
    coupons: AvailableCoupons | None = None,
    terms: Iterable[TermBill] = (),
) -> InvoiceTotals:
    """Give the rounded lines, the taxes of the matching rates, and the totals of a bill.

    Each line and each rate's tax is rounded once. ``credit`` pays of lines in their own units; of
    the money that is left of these and of all others ``coupons`` take off, ``terms`` are settled by
    what that leaves, and ``credit`` pays before taxes, and of what is owed with them. Then the bill
    takes of the customer's ``available_credit`` what it owes. One below zero gets a closing line
    that brings it to 0 and says in ``carried_credit`` what is left. Raises: InvariantBroken if a
    line has another currency or its tiers do not add up. Source: CONTRACT 26, 27, 48, 55, 81.
    Worked example: 82,450 × 0.001 is 82.45; with a credit of 100 it is 0, and 17.55 are left.
    """
    in_units, rates = pay_in_units(lines, credit), match_rates(tax_rates, address)
    rounded = _rounded(in_units.lines, currency)
    discounts, rounded, billed = _adjusted(rounded, coupons, terms, currency)
    taxes, net, gross = tax_and_credit(billed, rates, currency, in_units.credit)
    owed = sum((one.line_total for one in billed), ZERO) - net.amount + added_tax(taxes)
    granted, carried = max(ZERO, min(owed - gross.amount, available_credit)), max(ZERO, -owed)
    tax = sum((one.amount for one in taxes), ZERO)
    total = currency.round(owed + in_units.cost - granted + carried)
    return InvoiceTotals(
        currency=currency.code,
        lines=(*rounded, *_closing_lines(granted, carried, currency)),
        subtotal=total + total_of(discounts) + net.amount - tax,
        taxes=taxes,
        tax=tax + currency.round(ZERO),
        total=total,
        tax_status=tax_status(rates, address),
        carried_credit=carried,
        granted_credit=granted,
        draws=(*in_units.draws, *net.draws, *gross.draws),
        credits_before_tax=net.amount,
        credits_after_tax=gross.amount + in_units.cost,
        discounts=discounts,
        drawing=record_drawing(net, gross, in_units.drawing, in_units.at_use),
    )


def _rounded(lines: Sequence[PricedLine], currency: Currency) -> list[InvoiceLine]:
    if not all(map(has_matching_tiers, lines)):
        raise InvariantBroken("The tiers of a line do not add up to its amount.")
    return [round_line(line, currency) for line in lines]


@exactly
def _adjusted(
    lines: Sequence[InvoiceLine],
    coupons: AvailableCoupons | None,
    terms: Iterable[TermBill],
    currency: Currency,
) -> tuple[tuple[Discount, ...], list[InvoiceLine], list[Billed]]:
    """What coupons take off, the lines with those that terms add, and all lines as they are left.

    What terms add is computed from what coupons left, and nothing comes off it.
    """
    priced = [
        Discountable(one.line_total - one.line.cost_share, one.line.own_charge_id) for one in lines
    ]
    discounts = discount(priced, coupons, currency)
    off = off_by_line(discounts)
    billed = [_billed(one, off.get(position, ZERO)) for position, one in enumerate(lines)]
    left = [(one.line, rest.line_total) for one, rest in zip(lines, billed, strict=True)]
    added = [round_line(one, currency) for one in true_up_lines(left, terms, currency)]
    return discounts, [*lines, *added], [*billed, *map(_billed, added)]


@exactly
def _billed(one: InvoiceLine, discount: Decimal = ZERO) -> Billed:
    return Billed(
        line_total=one.line_total - one.line.cost_share - discount,
        discount=discount,
        cost_share=one.line.cost_share,
        is_taxable=one.line.is_taxable,
        charge_id=one.line.only_charge_id,
        meter_id=one.line.only_meter_id,
    )


def _closing_lines(granted: Decimal, carried: Decimal, currency: Currency) -> list[InvoiceLine]:
    lines = [credit_line(granted, currency)] if granted > ZERO else []
    lines += [carry_line(carried, currency)] if carried > ZERO else []
    return [round_line(one, currency) for one in lines]


def round_line(line: PricedLine, currency: Currency) -> InvoiceLine:
    """Give a line with its total in whole minor units, of its own unit what credit leaves of it.

    Source: CONTRACT 26, CREDITS 14.
    """
    if line.currency != currency.code:
        raise InvariantBroken(f"A {line.currency} line cannot stand on a {currency.code} invoice.")
    return InvoiceLine(line=line, line_total=line.money)


class InvoiceStatus(StrEnum):
    """The states of an invoice (CONTRACT 4.8)."""

    DRAFT = "DRAFT"
    OPEN = "OPEN"
    PAID = "PAID"
    VOID = "VOID"
    UNCOLLECTIBLE = "UNCOLLECTIBLE"


TRANSITIONS: Final[dict[InvoiceStatus, frozenset[InvoiceStatus]]] = {
    InvoiceStatus.DRAFT: frozenset({InvoiceStatus.OPEN}),
    InvoiceStatus.OPEN: frozenset(
        {InvoiceStatus.PAID, InvoiceStatus.VOID, InvoiceStatus.UNCOLLECTIBLE}
    ),
    InvoiceStatus.UNCOLLECTIBLE: frozenset({InvoiceStatus.PAID, InvoiceStatus.VOID}),
    InvoiceStatus.PAID: frozenset(),
    InvoiceStatus.VOID: frozenset(),
}


def require_transition(present: InvoiceStatus, wanted: InvoiceStatus) -> None:
    """Refuse a move that CONTRACT 4.8 does not draw, the one to the same state included.

    Raises: InvalidTransition naming both states.
    """
    if wanted not in TRANSITIONS[present]:
        raise InvalidTransition(f"An invoice cannot go from {present.value} to {wanted.value}.")


def require_voidable(present: InvoiceStatus, *, amount_paid: Decimal, is_drawn: bool) -> None:
    """Refuse to void what CONTRACT 4.8 does not draw; what credit alone has paid may be void.

    ``is_drawn`` says whether credit has paid anything of it.

    Raises: InvalidTransition. Source: CREDITS 16.
    """
    is_paid_by_credit = present is InvoiceStatus.PAID and is_drawn and amount_paid == ZERO
    if not is_paid_by_credit:
        require_transition(present, InvoiceStatus.VOID)


def status_after_finalizing(present: InvoiceStatus, total: Decimal) -> InvoiceStatus:
    """Give the state after ``finalize``: OPEN, or PAID where nothing is owed.

    Idempotent by state: OPEN stays OPEN, and a zero invoice stays PAID. Raises: InvalidTransition
    from any other state. Source: CONTRACT 28, 56.
    """
    if present is InvoiceStatus.OPEN or (present is InvoiceStatus.PAID and total == ZERO):
        return present
    require_transition(present, InvoiceStatus.OPEN)
    return InvoiceStatus.PAID if total == ZERO else InvoiceStatus.OPEN


def status_after_payment(present: InvoiceStatus) -> InvoiceStatus:
    """Give the state after ``pay``: PAID.

    Idempotent by state: PAID stays PAID. Raises: InvalidTransition. Source: CONTRACT 56.
    """
    if present is not InvoiceStatus.PAID:
        require_transition(present, InvoiceStatus.PAID)
    return InvoiceStatus.PAID


def require_editable(present: InvoiceStatus) -> None:
    """Refuse to edit or delete anything but a draft. Raises: InvalidTransition."""
    if present is not InvoiceStatus.DRAFT:
        raise InvalidTransition(f"Only a DRAFT can be changed; this invoice is {present.value}.")
