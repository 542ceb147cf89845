"""One line of a document as the cells of its row, and its arithmetic as the rows below its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from billing.money import ZERO
from billing.periods import Period
from billing.rating.lines import PricedLine
from billing.rating.wording import (
    describe_rest,
    describe_share,
    describe_term,
    describe_tiers,
    shown_number,
)
from services.documents.formats import Formats
from services.documents.own_words import name_of_line
from services.documents.view import DocumentLine

Words: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRow:
    """What stands in a line's row, as text; ``below`` is its arithmetic, under its name."""

    name: str
    below: tuple[str, ...]
    quantity: str
    price: str
    amount: str


def line_row(
    one: DocumentLine, formats: Formats, words: Words, *, is_whole: bool, period: Period | None
) -> LineRow:
    """The row of a line.

    Where only part of a line is given back (not ``is_whole``), its arithmetic is left out: it leads
    to another amount. A line says its period where that is not the whole document's.
    """
    line = one.priced
    arithmetic = _arithmetic_rows(line, formats, words) if is_whole else []
    return LineRow(
        name=name_of_line(one, formats, words),
        below=(*_period_rows(line, formats, period), *arithmetic),
        quantity=_quantity(line, formats) if is_whole else "",
        price=_price(line, formats) if is_whole else "",
        amount=formats.money(one.total),
    )


def _quantity(line: PricedLine, formats: Formats) -> str:
    if line.usage_quantity is None and line.unit_amount is None:
        return ""
    quantity = formats.quantity(shown_number(line.quantity))
    return f"{quantity} {line.unit}" if line.unit else quantity


def _price(line: PricedLine, formats: Formats) -> str:
    if line.tiers:
        return ""
    if line.rate is not None:
        return formats.percent(line.rate)
    if line.package_price is not None:
        return formats.price_in(line.own_unit, line.package_price)
    return "" if line.unit_amount is None else formats.price_in(line.own_unit, line.unit_amount)


def _period_rows(line: PricedLine, formats: Formats, period: Period | None) -> list[str]:
    if line.starts_at is None or line.ends_at is None or line.starts_at >= line.ends_at:
        return []
    span = Period(starts_at=line.starts_at, ends_at=line.ends_at)
    return [] if span == period else [formats.span(span)]


def _arithmetic_rows(line: PricedLine, formats: Formats, words: Words) -> list[str]:
    rows = describe_term(line, price=formats.price, words=words)
    price = partial(formats.price_in, line.own_unit)
    if line.share is not None and not line.share.is_whole:
        rows.append(describe_share(line.share, days=words["days"], percent=words["part_of_period"]))
    rows.extend(_taken_off(line, formats, words))
    if line.package_count is not None and line.package_size is not None:
        count, size = formats.quantity(line.package_count), formats.quantity(line.package_size)
        rows.append(words["packages"].format(count=count, size=size))
    if line.fixed_fee and line.event_count:
        fee, count = price(line.fixed_fee), str(line.event_count)
        rows.append(words["fixed_fees"].format(count=count, fee=fee))
    for tier, text in zip(
        line.tiers,
        describe_tiers(line, price=price, quantity=formats.quantity),
        strict=True,
    ):
        said = text.text if tier.adjustment is None else words[tier.adjustment]
        rows.append(f"{said} = {price(text.amount)}")
    if line.bound is not None:
        rows.append(words[line.bound])
    if line.limit_exceeded and line.over_limit_quantity is not None:
        over = formats.quantity(shown_number(line.over_limit_quantity))
        rows.append(words["over_limit"].format(quantity=over))
    rows.extend(
        describe_rest(
            line, price=formats.price, quantity=formats.quantity, paid_by=words["prepaid"]
        )
    )
    return rows


def _taken_off(line: PricedLine, formats: Formats, words: Words) -> list[str]:
    """What was measured, less what is included or waived."""
    taken_off = [
        (line.included_quantity or ZERO, words["included"]),
        (line.waived_quantity or ZERO, words["waived"]),
    ]
    parts = [f" − {formats.quantity(shown_number(one))} {word}" for one, word in taken_off if one]
    if not parts or line.usage_quantity is None:
        return []
    unit = f" {line.unit}" if line.unit else ""
    return [f"{formats.quantity(shown_number(line.usage_quantity))}{unit}{''.join(parts)}"]
