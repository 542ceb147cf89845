"""What strangers are told of a receipt: asked of the database now and then, whoever asks how often.

A verdict is computed by two at a time, for an address in its turn, and is good for ten minutes.
That one takes too long is known for a minute, in which nobody makes the database try again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from cachetools import FIFOCache

from api.transport.errors import TOO_SLOW
from billing.errors import NotFound, Unavailable
from models.invoicing.receipts import SignedReceipt
from repositories.invoicing import receipts as stored_receipts
from repositories.transactions import Transactions
from services.invoicing.receipt_checks import Judgment, judge
from services.receipts.flaws import Fault, content_of
from services.receipts.verdicts import Verdict

GOOD_FOR: Final = timedelta(minutes=10)
FAILED_FOR: Final = timedelta(minutes=1)
MOST_KEPT: Final = 1_000

MOST_EVENTS: Final = 50_000
"""Of a larger bill strangers hear whether receipt and rows agree; its owner can have it counted."""


class VerdictCache:
    """The verdicts that were given lately, or could not be, by receipt. Used by one event loop."""

    def __init__(self) -> None:
        self._kept: FIFOCache[UUID, Verdict] = FIFOCache(MOST_KEPT)
        self._failures: FIFOCache[UUID, datetime] = FIFOCache(MOST_KEPT)

    def find(self, receipt_id: UUID, *, now: datetime) -> Verdict | None:
        """The verdict, if it is still good. Raises Unavailable where it took too long just now."""
        failed_at = self._failures.get(receipt_id)
        if failed_at is not None and failed_at > now - FAILED_FOR:
            code, detail = TOO_SLOW
            raise Unavailable(detail, code=code)
        kept = self._kept.get(receipt_id)
        return kept if kept is not None and kept.checked_at > now - GOOD_FOR else None

    def keep(self, receipt_id: UUID, verdict: Verdict) -> None:
        """Remember a verdict; the oldest is forgotten for it."""
        self._kept[receipt_id] = verdict

    def keep_failure(self, receipt_id: UUID, *, now: datetime) -> None:
        """Remember that a verdict took too long."""
        self._failures[receipt_id] = now


def give_verdict(
    transactions: Transactions, receipt_id: UUID, now: Callable[[], datetime]
) -> Verdict:
    """Whether an invoice is what its receipt says. Raises NotFound."""
    with transactions.looking_up(stored_receipts.LOOKUP, str(receipt_id)) as session:
        receipt = stored_receipts.find_by_id(session, receipt_id)
    if receipt is None:
        raise NotFound("There is no such receipt.", code="receipt_not_found")
    with transactions.for_organization(receipt.organization_id) as session:
        judgment = judge(session, receipt, most_events=MOST_EVENTS)
    return _as_told(receipt, judgment, at=now())


def _as_told(receipt: SignedReceipt, judgment: Judgment, *, at: datetime) -> Verdict:
    fault = None if judgment.flaw is None else judgment.flaw.fault
    words = {None: "equal", Fault.UNSIGNED: "unsigned"}
    content = content_of(receipt)
    return Verdict(
        invoice_number=content.get("invoice_number"),
        total=str(content.get("total")),
        currency=str(content.get("currency")),
        inputs_digest=content.get("inputs_digest"),
        lines_digest=content.get("lines_digest"),
        signature=receipt.signature,
        verdict=words.get(fault, "different"),
        recomputed=judgment.has_recomputed,
        void=judgment.is_void,
        checked_at=at,
    )
