"""Spans of an add-on: which quantity of it held in which part of a bill."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from billing.errors import InvalidInput
from billing.money import ZERO, require_not_negative
from billing.periods import Period
from billing.rating.proration import Share
from billing.rating.terms import ChargeTerms, ChargeType


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class QuantityFrom:
    """The quantity that an add-on has from an instant on, until the next one; 0 ends it."""

    effective_at: datetime
    quantity: Decimal

    def __post_init__(self) -> None:
        require_not_negative(quantity=self.quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOnSpan:
    """A part of a bill in which an add-on had one quantity.

    ``share`` is what it covers of the whole regular period, pauses taken off.
    """

    starts_at: datetime
    ends_at: datetime
    quantity: Decimal
    share: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOnTerms:
    """An add-on on a bill: its charge, and the spans in which it was attached, in their order.

    Constructing one proves that it can be priced. Raises: InvalidInput naming the field.
    """

    charge: ChargeTerms
    spans: tuple[AddOnSpan, ...] = ()

    def __post_init__(self) -> None:
        charge = self.charge
        if charge.type is not ChargeType.FIXED:
            raise _refused("An add-on's charge is FIXED.", "type")
        if charge.unit is not None:
            raise _refused("An add-on is priced in the plan's currency.", "unit")
        if charge.minimum is not None or charge.maximum is not None:
            raise _refused("An add-on has no minimum and no maximum.", "minimum")


def spans_of(
    quantities: Sequence[QuantityFrom], part: Period, share: Callable[[Period], Share]
) -> tuple[AddOnSpan, ...]:
    """Give the spans of a part of a period in which there was something of an add-on.

    ``share`` tells what a span covers of the whole period. A quantity that held for no share of it
    is as if it had never been. Source: CREDITS 23, CONTRACT 18, 50, 51. Worked example: by
    day, 3 until noon of 11 January and 5 afterwards are 3 for 10 of 31 days and 5 for 21.
    """
    ordered = sorted(quantities)
    ends = [*(later.effective_at for _, later in pairwise(ordered)), part.ends_at]
    spans: list[AddOnSpan] = []
    for held, ends_at in zip(ordered, ends, strict=True):
        lasted = Period(starts_at=held.effective_at, ends_at=max(held.effective_at, ends_at))
        span = lasted.intersect(part)
        covered = None if span is None else share(span)
        if span is None or covered is None or covered.covered == 0:
            continue
        if spans and spans[-1].quantity == held.quantity:
            before = spans.pop()
            spans.append(replace(before, ends_at=span.ends_at, share=before.share.plus(covered)))
            continue
        spans.append(
            AddOnSpan(
                starts_at=span.starts_at,
                ends_at=span.ends_at,
                quantity=held.quantity,
                share=covered,
            )
        )
    return tuple(one for one in spans if one.quantity > ZERO)


def _refused(reason: str, field: str) -> InvalidInput:
    return InvalidInput(reason, code="invalid_charge", field=f"charge.{field}")
