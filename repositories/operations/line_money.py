"""What a stored line is due in money, looked at from outside of what computes it.

The rule is :attr:`billing.rating.lines.PricedLine.money`: what is priced in an own unit is money
only as far as no credit pays it, at a rate; what that credit had cost is there as well where it is
taxed as it is used.
"""

from __future__ import annotations

from typing import Final

MONEY_OF_LINE: Final = """CASE WHEN line.amount_in_unit IS NULL THEN line.exact_amount
    ELSE (line.amount_in_unit - coalesce((SELECT sum(paid.amount) FROM invoice_draw AS paid
            WHERE paid.organization_id = line.organization_id AND paid.invoice_id = line.invoice_id
                AND paid.line_position = line.position
                AND paid.unit = line.calculation -> 'priced_in' ->> 'code'), 0))
        * coalesce(CAST(line.calculation ->> 'overage_rate' AS numeric), 0)
        + coalesce((SELECT sum(paid.money) FROM invoice_draw AS paid
            WHERE paid.organization_id = line.organization_id AND paid.invoice_id = line.invoice_id
                AND paid.line_position = line.position
                AND paid.unit = line.calculation -> 'priced_in' ->> 'code'), 0) END"""
