"""A second model of rating, slow and plain, that shares no code with the first.

Everything is a fraction. Tiers are priced by walking along the axis of units and adding up what
each piece costs; rounding compares with the half. Only tests use it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction


def price(document: Mapping[str, object], quantity: Fraction, events: int) -> Fraction:
    """Give the exact price of a quantity under the JSON shape of a price model."""
    match document["model"]:
        case "per_unit":
            return quantity * number(document["unit_price"])
        case "package":
            packages = 0
            while packages * number(document["package_size"]) < quantity:
                packages += 1
            return packages * number(document["unit_price"])
        case "percentage":
            fees = sum((number(document["fixed_fee"]) for _ in range(events)), Fraction(0))
            return quantity * number(document["rate"]) + fees
        case "graduated":
            return _graduated(_rows(document), quantity)
        case "volume":
            _, unit_price, fee = _row_holding(_rows(document), quantity)
            return quantity * unit_price + fee
        case "stairstep":
            return _row_holding(_rows(document), quantity)[2]
    raise AssertionError(document)


def line_total(
    document: Mapping[str, object],
    windows: Sequence[tuple[Fraction, int]],
    *,
    included: Fraction,
    hard_limit: Fraction | None,
    waive: bool,
    minimum: Fraction | None,
    maximum: Fraction | None,
    places: int,
) -> Fraction:
    """Give the rounded total of a line from the usage of each reset window."""
    billable = Fraction(0)
    for usage, _ in windows:
        capped = usage
        if waive and hard_limit is not None and usage > hard_limit:
            capped = max(hard_limit, min(usage, included))
        billable += max(Fraction(0), capped - included)
    amount = price(document, billable, sum(events for _, events in windows))
    if minimum is not None and amount < minimum:
        amount = minimum
    if maximum is not None and amount > maximum:
        amount = maximum
    return round_half_away(amount, places)


def round_half_away(amount: Fraction, places: int) -> Fraction:
    """Round to so many decimal places; a half goes away from zero."""
    units = abs(amount) * 10**places
    whole = units.numerator // units.denominator
    if units - whole >= Fraction(1, 2):
        whole += 1
    return Fraction(whole, 10**places) * (-1 if amount < 0 else 1)


def number(value: object) -> Fraction:
    """Read a number of a document."""
    return Fraction(str(value))


def _rows(document: Mapping[str, object]) -> list[tuple[Fraction | None, Fraction, Fraction]]:
    rows = document["tiers"]
    assert isinstance(rows, list)
    return [
        (
            None if row["up_to"] is None else number(row["up_to"]),
            number(row["unit_price"]),
            number(row["flat_fee"]),
        )
        for row in rows
    ]


def _row_holding(
    rows: Sequence[tuple[Fraction | None, Fraction, Fraction]], quantity: Fraction
) -> tuple[Fraction | None, Fraction, Fraction]:
    for row in rows:
        if row[0] is None or quantity <= row[0]:
            return row
    raise AssertionError("no open end")


def _graduated(
    rows: Sequence[tuple[Fraction | None, Fraction, Fraction]], quantity: Fraction
) -> Fraction:
    position, total, entered = Fraction(0), Fraction(0), rows[0]
    total += entered[2]
    while position < quantity:
        # The piece from here to the next whole unit or bound lies in one tier.
        row = next(one for one in rows if one[0] is None or position < one[0])
        if row is not entered:
            total += row[2]
            entered = row
        ends = [quantity, Fraction(position.numerator // position.denominator + 1)]
        if row[0] is not None:
            ends.append(row[0])
        piece = min(ends) - position
        total += piece * row[1]
        position += piece
    return total
