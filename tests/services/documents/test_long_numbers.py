"""Documents write numbers with all their digits, more than a sheet has columns for if need be."""

from __future__ import annotations

from decimal import Decimal

import pytest

from billing.invoicing.kinds import DocumentLanguage
from services.documents.formats import Formats, price_text

PRICES = [
    ("0.123456789012345678901234567891", "$0.123456789012345678901234567891"),
    ("0.123456789012345678901234567896", "$0.123456789012345678901234567896"),
    (
        "123456789012345678901234567890.01",
        "$123,456,789,012,345,678,901,234,567,890.01",
    ),
]


@pytest.mark.parametrize(("price", "text"), PRICES)
def test_a_price_of_thirty_places_is_written_as_it_is(price: str, text: str) -> None:
    assert price_text(Decimal(price), "USD") == text


def test_a_quantity_of_fifty_digits_is_written_as_it_is() -> None:
    formats = Formats(language=DocumentLanguage("en"), currency="USD", timezone="UTC")
    number = Decimal("123456789012345678901234567890.01234567890123456789")

    assert formats.quantity(number) == (
        "123,456,789,012,345,678,901,234,567,890.01234567890123456789"
    )
    assert formats.percent(Decimal("0.123456789012345678901234567891")) == (
        "12.3456789012345678901234567891%"
    )
