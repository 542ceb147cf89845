"""Lines of add-ons: one for each quantity that held, as a fixed charge of that part of a period."""

from __future__ import annotations

from collections.abc import Iterable

from billing.errors import InvariantBroken
from billing.money import exactly
from billing.pricing import Flat
from billing.rating.add_ons.spans import AddOnSpan, AddOnTerms
from billing.rating.lines import LineType, PricedLine, step
from billing.rating.terms import ChargeTerms

UNNAMED = "Add-on"
"""The label of an add-on that has no name of its own."""


def add_on_lines(currency: str, add_ons: Iterable[AddOnTerms]) -> tuple[PricedLine, ...]:
    """Give the lines of add-ons, each add-on's in the order of its spans, not yet rounded.

    Source: CREDITS 23. Worked example: 3 seats of 10.00 for 10 of 31 days are 9.677…, and
    5 for the other 21 are 33.870….
    """
    return tuple(_line(currency, one.charge, span) for one in add_ons for span in one.spans)


@exactly
def _line(currency: str, charge: ChargeTerms, span: AddOnSpan) -> PricedLine:
    pricing = charge.pricing
    if not isinstance(pricing, Flat):
        raise InvariantBroken("An add-on is not flat.", charge_id=str(charge.charge_id))
    share, whole = span.share, pricing.amount * span.quantity
    amount = share.of(whole)
    price = pricing.price()
    steps = [
        step("price", whole, model=pricing.model, quantity=span.quantity, **price.inputs),
    ]
    if not share.is_whole:
        told = {"covered": share.covered, "total": share.total, "basis": share.basis.value}
        steps.append(step("prorate", amount, amount=whole, **told))
    label = charge.display_name or UNNAMED
    return PricedLine(
        type=LineType.FIXED if share.is_whole else LineType.PRORATION,
        currency=currency,
        name=label,
        description=label,
        quantity=span.quantity,
        exact_amount=amount,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        charge_id=charge.charge_id,
        model=pricing.model,
        share=share,
        steps=tuple(steps),
        **price.line_values,
    )
