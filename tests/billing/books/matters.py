"""What an entry of the books is about, in tests of entries and of how they are written."""

from __future__ import annotations

from datetime import date

from billing.books.entries import Matter

MATTER = Matter(
    key="invoice/1",
    kind="invoice",
    on=date(2025, 2, 1),
    currency="USD",
    customer="Harbor Labs",
    customer_id="c-1",
    documents=("INV-2025-0001",),
)
