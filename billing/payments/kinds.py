"""Which payments and refunds there are: how the money moves, and how far it has come."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class PaymentKind(StrEnum):
    """How money comes in: told by people, on a gateway's page, or from a saved method."""

    MANUAL = "manual"
    LINK = "link"
    SAVED_METHOD = "saved_method"


class PaymentStatus(StrEnum):
    """The states of a payment. A pending one is known to nobody yet, a success is for good.

    A failure is one as far as anybody knows: a gateway may tell of a success after all.
    """

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


NOT_CHARGED: Final = "not_charged"
"""Why a try has failed for which nobody was asked, or that no gateway knows: nobody declined it."""


class RefundKind(StrEnum):
    """Why money went back: somebody sent it, or the customer's bank took it."""

    REFUND = "refund"
    DISPUTE = "dispute"


class RefundStatus(StrEnum):
    """The states of a refund."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
