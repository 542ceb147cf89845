"""What a refund of a payment is taken from."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from billing.errors import Conflict
from billing.money import ZERO, exactly


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundSplit:
    """What a refund is taken from, in major units.

    ``from_credit`` was the customer's credit; ``from_invoice`` had paid the invoice, of which
    ``against_notes`` had been given back by credit notes already. The rest of it is due again.
    ``owed`` had been credit that later invoices took, so that the customer owes it; ``excess`` of
    it was never left of the payment.
    """

    from_credit: Decimal
    from_invoice: Decimal
    against_notes: Decimal
    owed: Decimal = ZERO
    excess: Decimal = ZERO


@exactly
def split_refund(
    wanted: Decimal,
    *,
    paid: Decimal,
    applied: Decimal,
    refunded: Decimal,
    credit: Decimal,
    noted: Decimal,
    has_gone: bool = False,
) -> RefundSplit:
    """Give what a refund of a payment is taken from: first what was too much, then the invoice.

    ``paid`` is the whole payment, ``applied`` what its invoice has of it, ``refunded`` what went
    back before, ``credit`` what stands on the customer's account, ``noted`` what credit notes on
    the invoice gave back and nobody was paid yet. ``has_gone`` says that nobody can refuse it.
    Raises: Conflict ``refund_exceeds_payment`` beyond what was paid, ``credit_spent`` where too
    much had been paid and later invoices took it, unless it has gone: then the customer owes it.
    Worked example: 120 paid on 100, then 30 back: 20 were the customer's credit, 10 the invoice's.
    All 120 back, once a later invoice took the 20: 100 are due again, and 20 are owed. All 120
    called back after 30 were refunded: 90 are due again, and 30 are owed.
    """
    left = paid - refunded
    if wanted <= ZERO or (wanted > left and not has_gone):
        raise Conflict(f"{left} of the payment is left to refund.", code="refund_exceeds_payment")
    excess = max(wanted - left, ZERO)
    from_credit = min(wanted - excess, left - applied, credit)
    from_invoice = min(wanted - excess - from_credit, applied)
    owed = wanted - from_credit - from_invoice
    if owed > ZERO and not has_gone:
        raise Conflict(
            f"{from_credit + applied} can be refunded: the rest was the customer's credit, and "
            "later invoices took it.",
            code="credit_spent",
        )
    return RefundSplit(
        from_credit=from_credit,
        from_invoice=from_invoice,
        against_notes=min(from_invoice, noted),
        owed=owed,
        excess=excess,
    )
