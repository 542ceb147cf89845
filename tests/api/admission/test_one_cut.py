"""Eight at once cut one invoice: what the suite tries of ``test_one_effect``, which takes long."""

from __future__ import annotations

from tests.api.invoicing.test_one_effect import (
    sold,
    test_generate_invoice_makes_one_cut,
    transactions,
)

__all__ = ["sold", "test_generate_invoice_makes_one_cut", "transactions"]
