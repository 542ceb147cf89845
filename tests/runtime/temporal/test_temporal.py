"""What all processes share of their way to Temporal."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from runtime.payloads.converter import DATA_CONVERTER, SharedPayloadConverter


def test_workflows_share_what_is_known_of_a_type() -> None:
    first, second = SharedPayloadConverter(), SharedPayloadConverter()

    assert first.converters == second.converters


def test_no_digit_is_lost_on_the_way() -> None:
    values = [Decimal("0.10"), datetime(2025, 1, 31, 23, 59, 59, 1, UTC)]
    converter = DATA_CONVERTER.payload_converter

    assert converter.from_payloads(converter.to_payloads(values), [Decimal, datetime]) == values
