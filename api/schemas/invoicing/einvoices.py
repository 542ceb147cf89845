"""Whether an invoice can be an e-invoice, on the wire."""

from __future__ import annotations

from api.schemas.common import View


class EInvoiceProblemView(View):
    """A field to fill in, and the rule of EN 16931 or of Peppol that asks for it."""

    field: str
    """What to fill in."""
    rule: str
    """The rule that asks for it, such as `BR-09`."""


class EInvoiceView(View):
    """Whether the invoice kept EN 16931 when it was issued; Peppol asks for more."""

    valid: bool
    """Whether it keeps EN 16931."""
    problems: list[EInvoiceProblemView]
    """What is missing; of a valid one, what Peppol asks for besides."""
